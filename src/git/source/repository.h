// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Finds the repository of a path, as git would, but only by reading: its configuration has no
// effect, and its owner does not matter.

#pragma once

#include <string>

#include "bale/git_oid.h"
#include "bale/progress.h"
#include "bale/result.h"

namespace bale {

/// The paths of a repository's files: absolute, with symlinks resolved.
struct RepositoryPaths {
  std::string git_dir;     ///< HEAD and what belongs to one work tree
  std::string common_dir;  ///< objects, refs, packed-refs, config, shallow; mostly the same
};

/// `path` may be a bare repository, a `.git` directory or file, a work tree (also a linked one or a
/// submodule's), or anything below one of these. kNotFound if the path does not exist,
/// kInvalidArgument if it is not in a Git repository, kIncomplete if it points to a missing one.
[[nodiscard]] Result<RepositoryPaths> find_repository(const std::string& path);

/// The hash of its objects. kUnsupported for another ref storage, a later version, or an unknown
/// extension.
[[nodiscard]] Result<GitHash> read_repository_format(const RepositoryPaths& paths,
                                                     const Operation& operation);

/// The content of a small file. kNotFound if it does not exist; kIncomplete if it is not a regular
/// file, a cycle of symlinks, or larger than `limit_bytes`. Never blocks.
[[nodiscard]] Result<std::string> read_small_file(const std::string& path,
                                                  std::uint64_t limit_bytes);

}  // namespace bale
