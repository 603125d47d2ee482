// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The locks of a store, which end with the process that holds them however it ends.
//
//   archives/.NAME.lock   alone: an import into the archive, or a change of it; shared: into one
//                         whose name begins with NAME/
//   lock                  shared: whoever brings objects and leaves out those that are stored;
//                         alone: maintenance, for the moment in which it takes packs away
//   staging/ (itself)     a turnstile: shared for a moment on the way to `lock`; alone by
//                         maintenance that waits for `lock`, so that imports which come later let
//                         it pass
//   packs/ (itself)       alone: maintenance, one at a time
//
// They are taken in the order packs/, archives (the shorter name first), staging/, lock; nobody who
// holds a later one waits for an earlier one. Readers take none.
//
// The store's own directory is held shared by an import that may have to make the store, and alone
// by who makes it or takes it back, before all others: see store_making.h.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bale/file_system.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "bale/store.h"

namespace bale {

/// Waits until the lock on `path` is free, and takes it. kInterrupted if the operation is cancelled
/// meanwhile; its progress is in `phase`: "waiting for ...".
Result<std::unique_ptr<FileLock>> wait_for_lock(FileSystem& file_system, const std::string& path,
                                                LockMode mode, const Operation& operation,
                                                std::string_view phase);

/// What an import holds: the store, shared, so that what it found already stored is not collected
/// under it; its archive's name, alone; and the path prefixes of that name, shared, so that no
/// archive comes to be under one of them.
struct ImportLocks {
  std::unique_ptr<FileLock> store;
  std::unique_ptr<FileLock> archive;
  std::vector<std::unique_ptr<FileLock>> prefixes;
};

/// kInvalidArgument where the archive is not there and cannot be, because its name is a path prefix
/// of the name of one that is, or the other way round. Archives that were removed do not count.
Result<ImportLocks> lock_for_import(const Store& store, const std::string& archive,
                                    const Operation& operation);

/// What maintenance holds while it looks at packs and writes new ones: beside it, packs come but do
/// not go.
Result<std::unique_ptr<FileLock>> lock_for_maintenance(const Store& store,
                                                       const Operation& operation);

/// The same for a dry run, which goes on without it (null) where the system does not give the lock:
/// on a file system that cannot be written, nobody takes packs away.
Result<std::unique_ptr<FileLock>> lock_to_look(const Store& store, const Operation& operation);

/// What it holds while it takes packs away: no import is under way, and none begins.
Result<std::unique_ptr<FileLock>> lock_out_imports(const Store& store, const Operation& operation);

}  // namespace bale
