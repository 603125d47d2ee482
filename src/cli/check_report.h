// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Prints the errors of a check: a line each on standard error, or a JSON array.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bale/result.h"
#include "cli/json_line.h"
#include "cli/session.h"

namespace bale::cli {

/// Items of one kind, printed in a line or more each, and the number of others.
struct Listing {
  std::size_t count = 0;
  std::uint64_t omitted = 0;    ///< more of them, not kept
  std::size_t most = SIZE_MAX;  ///< the most to print of those kept
  std::function<Result<void>(std::size_t position)> print;
  std::function<Result<void>(std::uint64_t count)> print_more;  ///< prints the number of the others
};

/// The most items of a kind, in verbs that do not print all.
inline constexpr std::size_t kMostPrinted = 10;

/// Prints the first ones, and the number of the others.
Result<void> print_listing(const Listing& listing);

/// The findings of a check. The errors must outlive it.
struct Findings {
  const std::vector<Error>& errors;
  std::uint64_t errors_omitted = 0;  ///< more of them, not kept
  std::string where;                 ///< what was checked
  std::size_t most = SIZE_MAX;       ///< the most errors to print as text
};

/// Prints a check's result: `counts` are the first keys of the JSON object, `sentence` states them
/// in text. Returns the exit status: 0 without errors, 1 if all are kIo, else 3.
Result<int> report_findings(Session& session, const Findings& findings, JsonLine counts,
                            std::string_view sentence);

}  // namespace bale::cli
