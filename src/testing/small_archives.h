// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Archives of small histories, imported without git into a store on any file system; and the
// promises of a store, as a test asks for them:
//
//   what was acknowledged is never lost, and what was not leaves no trace.
//
//   ASSERT_THAT(import_small(store, "a", 3), IsOk());
//   ... whatever may happen to the store ...
//   ASSERT_THAT(check_promises(files, "/store", {{{"a", {3}}}}), IsOk());

#pragma once

#include <map>
#include <string>
#include <vector>

#include "bale/file_system.h"
#include "bale/result.h"
#include "bale/store.h"

namespace bale {

/// The archives of a store, and of each the versions that its records are of, newest first.
using ArchiveVersions = std::map<std::string, std::vector<int>>;

/// "a@3,2,1 b@1"
[[nodiscard]] std::string to_string(const ArchiveVersions& archives);

/// Does what `bale import git` does with a version of small_history(name): takes its locks, packs
/// what the store lacks (with deltas), adds a record, moves the archive, keeps the catalog up. The
/// same twice gives the same bytes. One thread. Refreshes the store.
Result<void> import_small(Store& store, const std::string& name, int version);

/// The archives of the store, with proof: each record reads back and has the refs that it must
/// have, and each object of the newest one is found by its Git id and is what it must be.
/// kCorrupt where anything is not.
Result<ArchiveVersions> read_archives(const Store& store);

/// Opens the store at `path` and holds it to its promises:
/// - its archives are one of `allowed`, and read back;
/// - verify_store finds nothing wrong;
/// - an import of "next" works, leaves nothing in staging/, and changes no other archive.
/// Which of `allowed` it was; after that the store has "next" in the version behind, too.
Result<ArchiveVersions> check_promises(FileSystem& files, const std::string& path,
                                       const std::vector<ArchiveVersions>& allowed);

/// `archives` as they are once check_promises() has imported.
[[nodiscard]] ArchiveVersions with_next(ArchiveVersions archives);

/// BLAKE3, in hex, of all names and bytes below a directory: equal for equal trees.
Result<std::string> digest_of_tree(FileSystem& files, const std::string& directory);

/// All files below a directory, by path.
Result<std::vector<std::string>> files_below(FileSystem& files, const std::string& directory);

}  // namespace bale
