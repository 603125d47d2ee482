// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Finding the repository that a path means, as git would, but by reading only: nothing in it is
// obeyed, and whose files they are does not matter.

#pragma once

#include <string>

#include "bale/git_oid.h"
#include "bale/progress.h"
#include "bale/result.h"

namespace bale {

/// The places of a repository's files. Absolute, without symlinks on the way.
struct RepositoryPaths {
  std::string git_dir;     ///< HEAD and what belongs to one work tree
  std::string common_dir;  ///< objects, refs, packed-refs, config, shallow; mostly the same
};

/// `path` may be a bare repository, a `.git` directory or file, a work tree (also a linked one or a
/// submodule's), or anything below one of these. kNotFound if nothing is there, kInvalidArgument if
/// it is no Git repository, kIncomplete if it points to one that is not there.
[[nodiscard]] Result<RepositoryPaths> find_repository(const std::string& path);

/// The hash of its objects, after its configuration was checked for what bale can read:
/// kUnsupported for another ref storage, a later version, or an extension that bale does not know.
[[nodiscard]] Result<GitHash> read_repository_format(const RepositoryPaths& paths,
                                                     const Operation& operation);

/// The whole of a small file. kNotFound if it is not there; kIncomplete if it is not a regular
/// file, a circle of symlinks, or larger than `limit_bytes`. Never waits (for the other end of a
/// pipe, say).
[[nodiscard]] Result<std::string> read_small_file(const std::string& path,
                                                  std::uint64_t limit_bytes);

}  // namespace bale
