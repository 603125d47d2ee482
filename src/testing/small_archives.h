// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Archives of small histories, imported without git into a store on any file system; and checks of
// a store's promises:
//
// acknowledged changes are never lost, and others leave no trace.
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

/// The archives of a store, each with the versions of its records, newest first.
using ArchiveVersions = std::map<std::string, std::vector<int>>;

/// "a@3,2,1 b@1"
[[nodiscard]] std::string to_string(const ArchiveVersions& archives);

/// Imports a version of small_history(name) like `bale import git`: takes its locks, packs new
/// objects (with deltas), adds a record, moves the archive, updates the catalog. Deterministic. One
/// thread. Refreshes the store.
Result<void> import_small(Store& store, const std::string& name, int version);

/// The archives of the store, verified: each record is readable and has the expected refs, and each
/// object of the newest one is found by its Git id with the expected bytes. kCorrupt otherwise.
Result<ArchiveVersions> read_archives(const Snapshot& store);

/// Opens the store at `path` and checks its promises:
/// - its archives are one of `allowed`, and readable;
/// - verify_store finds nothing wrong;
/// - an import of "next" works, leaves nothing in staging/, and changes no other archive. Returns
/// the one of `allowed`; afterwards the store also has "next" in its next version.
Result<ArchiveVersions> check_promises(FileSystem& files, const std::string& path,
                                       const std::vector<ArchiveVersions>& allowed);

/// `archives` after the import of check_promises().
[[nodiscard]] ArchiveVersions with_next(ArchiveVersions archives);

/// BLAKE3, in hex, of all names and bytes below a directory: equal for equal trees.
Result<std::string> digest_of_tree(FileSystem& files, const std::string& directory);

/// All files below a directory, by path.
Result<std::vector<std::string>> files_below(FileSystem& files, const std::string& directory);

}  // namespace bale
