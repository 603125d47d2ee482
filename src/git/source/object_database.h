// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The files that a repository's objects are in: whether all of them can be used.
//
// git passes over a pack or a directory that it cannot open and then says that objects are missing.
// So what it cannot use is looked for beforehand.

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
  /// Packs without an index, which git does not see. They matter only if objects are missing.
  std::vector<std::string> packs_without_index;
  /// Indexes without a pack: what they list was lost, unless it is elsewhere.
  std::vector<std::string> indexes_without_pack;
  /// Alternates that git ignores, as sentences. They matter only if objects are missing.
  std::vector<std::string> ignored_alternates;
  /// Loose objects of no bytes at all, which a power cut leaves: the fan-out directories with any.
  std::vector<std::string> fanouts_with_empty_files;
  std::uint64_t empty_files = 0;
};

/// Looks at all files of the object directory `objects` (absolute) and its alternates, as git finds
/// them. kIo for what cannot be listed, looked at, or (packs and indexes) opened. kIncomplete for a
/// pack and its index where one is cut off or they do not belong together. Packs, and what is there
/// of one, are looked at a few times within half a second, as they may come and go meanwhile. Loose
/// objects are not opened. Memory: the names of packs.
[[nodiscard]] Result<ObjectDatabase> inspect_object_database(const std::string& objects,
                                                             GitHash hash,
                                                             const Operation& operation);

/// Makes an object directory below `scratch` that is like the database without the empty files,
/// over which git stumbles: of symlinks to what the database has. Returns its path.
[[nodiscard]] Result<std::string> make_database_without_empty_files(const ObjectDatabase& database,
                                                                    const std::string& scratch);

/// The ids that the empty files of one fan-out directory are named for.
[[nodiscard]] Result<std::vector<GitOid>> empty_files_in(const std::string& fanout, GitHash hash);

/// The name of a loose object below its object directory: "12/3456...".
[[nodiscard]] std::string loose_name(const GitOid& oid);

}  // namespace bale
