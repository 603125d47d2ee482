// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The name an archive gets where none was given.

#pragma once

#include <string>
#include <string_view>

namespace bale {

/// From the absolute path of a git directory, a valid archive name: that of the repository, as
/// people call it. "/srv/linux.git" and "/home/me/linux/.git" are "linux", a linked work tree is
/// called as itself; characters that a name must not have become '-'.
[[nodiscard]] std::string archive_name_from_git_dir(std::string_view git_dir);

}  // namespace bale
