// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The default name of an archive.

#pragma once

#include <string>
#include <string_view>

namespace bale {

/// Derives a valid archive name from the absolute path of a git directory: "/srv/linux.git" and
/// "/home/me/linux/.git" give "linux", a linked work tree its own name; invalid characters become
/// '-'.
[[nodiscard]] std::string archive_name_from_git_dir(std::string_view git_dir);

}  // namespace bale
