// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Taking paths apart and putting them together. Paths are bytes; nothing here looks at a disk.

#pragma once

#include <string>
#include <string_view>

namespace bale {

/// The directory that holds `path`: "." for a bare name, "/" at the root. Slashes at the end do
/// not count.
[[nodiscard]] std::string parent_directory(std::string_view path);

/// `directory`/`name`, with one slash between them. An empty directory gives the name alone.
[[nodiscard]] std::string join_path(std::string_view directory, std::string_view name);

}  // namespace bale
