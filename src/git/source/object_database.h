// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The files of a repository's objects, and whether all of them are usable.
//
// git skips a pack or directory that it cannot open and then reports missing objects. So unusable
// files are detected beforehand.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bale/git_oid.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "git/source/pack_files.h"

namespace bale {

struct ObjectDatabase {
  GitHash hash = GitHash::kSha1;
  /// The repository's own object directory first, then its alternates, theirs too: absolute paths.
  std::vector<std::string> directories;
  std::vector<PackFiles> packs;
  /// Packs without an index, which git ignores. They matter only if objects are missing.
  std::vector<std::string> packs_without_index;
  /// Indexes without a pack: their objects are lost unless stored elsewhere.
  std::vector<std::string> indexes_without_pack;
  /// Alternates that git ignores, as sentences. They matter only if objects are missing.
  std::vector<std::string> ignored_alternates;
  /// Fan-out directories with empty loose objects, which a power cut leaves.
  std::vector<std::string> fanouts_with_empty_files;
  std::uint64_t empty_files = 0;
};

/// Inspects all files of the object directory `objects` (absolute) and its alternates, as git finds
/// them. kIo for files that cannot be listed, inspected or (packs and indexes) opened. kIncomplete
/// if a pack or its index is truncated or they do not match. Retries incomplete packs for half a
/// second, as git may be installing or removing them. Does not open loose objects. Memory: the
/// names of packs.
[[nodiscard]] Result<ObjectDatabase> inspect_object_database(const std::string& objects,
                                                             GitHash hash,
                                                             const Operation& operation);

/// Creates an object directory below `scratch` with symlinks to the database's files, without the
/// empty ones, at which git fails. Returns its path.
[[nodiscard]] Result<std::string> make_database_without_empty_files(const ObjectDatabase& database,
                                                                    const std::string& scratch);

/// The ids of the empty files in one fan-out directory.
[[nodiscard]] Result<std::vector<GitOid>> empty_files_in(const std::string& fanout, GitHash hash);

/// The name of a loose object below its object directory: "12/3456...".
[[nodiscard]] std::string loose_name(const GitOid& oid);

}  // namespace bale
