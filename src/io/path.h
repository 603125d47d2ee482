// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Taking paths apart and putting them together. Paths are bytes; nothing here looks at a disk,
// but for temporary_directory().

#pragma once

#include <string>
#include <string_view>

namespace bale {

/// The directory that holds `path`: "." for a bare name, "/" at the root. Ignores trailing slashes.
[[nodiscard]] std::string parent_directory(std::string_view path);

/// `directory`/`name`, with one slash between them; just `name` if `directory` is empty.
[[nodiscard]] std::string join_path(std::string_view directory, std::string_view name);

/// The system's directory for temporary files: TMPDIR, or else /tmp.
[[nodiscard]] std::string temporary_directory();

}  // namespace bale
