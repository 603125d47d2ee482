// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The pages that `bale help TOPIC` prints: the files of doc/help/, compiled in.

#pragma once

#include <span>
#include <string_view>

namespace bale::cli {

struct HelpTopic {
  std::string_view name;  ///< that of the file, without .md
  std::string_view page;  ///< its text; the first line is "# TITLE"

  [[nodiscard]] std::string_view title() const { return page.substr(2, page.find('\n') - 2); }
};

/// In the order of the help. Lives as long as the program.
[[nodiscard]] std::span<const HelpTopic> help_topics();

}  // namespace bale::cli
