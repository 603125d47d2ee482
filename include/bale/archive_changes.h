// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Removing an archive, dropping its older records, and undoing either.
//
//   auto removed = bale::remove_archive(store, "linux");
//   auto pruned = bale::prune_archive(store, "linux", 3);     // keeps the newest three
//   auto undone = bale::undo_archive_change(store, "linux");
//
// Each writes one small pack with records and points the archive to the newest of them; stored
// objects stay. collect_store() (`bale gc`) frees the space; until then a change can be undone. All
// take the locks of an import, so they wait for imports and for maintenance. When they return
// without an error, the change is durable; after an error or a crash, the archive is in its old or
// its new state.

#pragma once

#include <cstdint>
#include <string>

#include "bale/export.h"
#include "bale/object.h"
#include "bale/result.h"
#include "bale/store.h"
#include "bale/work_options.h"

namespace bale {

struct ArchiveChangeOptions {
  WorkOptions work{};
};

/// The smallest memory_bytes. Reading records with very many refs needs more.
[[nodiscard]] BALE_EXPORT std::uint64_t smallest_archive_change_memory_bytes();

/// The same for undo_archive_change().
[[nodiscard]] BALE_EXPORT std::uint64_t smallest_undo_memory_bytes();

struct RemovedArchive {
  ObjectId record;   ///< says that the archive was removed, and when
  std::string pack;  ///< that holds the record
};

/// Removes an archive: it has no records and is no longer listed. The removal is recorded, also in
/// the packs, so that recovery does not restore the archive. A later import under the name starts a
/// new archive.
///
/// An archive whose newest record is damaged can be removed; one whose pointer is damaged cannot
/// (kCorrupt), because the removed record would be unknown. kNotFound if there is no such
/// archive or it was already removed, kInvalidArgument for an invalid name or too little memory,
/// kInterrupted, kIo. Refreshes `store`.
///
/// Memory: work.memory_bytes.
BALE_EXPORT Result<RemovedArchive> remove_archive(Store& store, const std::string& name,
                                                  const ArchiveChangeOptions& options = {});

struct PrunedArchive {
  std::uint64_t records_kept = 0;
  std::uint64_t records_dropped = 0;  ///< of those that could be read
  bool older_unreadable = false;      ///< dropped too: one that cannot be read, and those before it
  ObjectId record;                    ///< the newest, after pruning
  std::string pack;                   ///< that holds the records now; empty if nothing was written

  /// Whether there was anything to do. If not, nothing was written.
  [[nodiscard]] bool changed() const { return records_dropped > 0 || older_unreadable; }
};

/// Keeps the newest `keep` records of an archive, at least 1, and drops the others. A record names
/// the one before by its hash, so the kept ones are written again, with new ids, and each
/// `replaces` its original. NAME@N keeps its meaning for the records that are kept.
///
/// Dropped records need not be readable: pruning removes the unreadable part of an archive that has
/// lost an older record.
///
/// kNotFound if there is no such archive, kCorrupt if a record to keep cannot be read
/// (the message says how many can be), kUnsupported if one has keys that this version does not know
/// and would lose, kInvalidArgument for an invalid name or number or too little memory,
/// kInterrupted, kIo. Refreshes `store`.
///
/// Memory: work.memory_bytes, the text of one record, and 33 bytes for each that is kept.
BALE_EXPORT Result<PrunedArchive> prune_archive(Store& store, const std::string& name,
                                                std::uint64_t keep,
                                                const ArchiveChangeOptions& options = {});

/// Predicts prune_archive(); writes nothing and takes no lock, so it needs no write permission.
/// `record` is the current newest one. Errors and memory as prune_archive().
BALE_EXPORT Result<PrunedArchive> predict_prune(const Snapshot& store, const std::string& name,
                                                std::uint64_t keep,
                                                const ArchiveChangeOptions& options = {});

struct UndoneChange {
  bool removal = false;            ///< a removal was undone; otherwise a pruning
  std::uint64_t records = 0;       ///< that the archive has now
  std::uint64_t records_back = 0;  ///< of these, the restored ones
  ObjectId record;                 ///< the newest, now
  std::string pack;                ///< that holds the new records
};

/// Undoes the last remove_archive() or prune_archive() of this name: NAME@N has its old meaning
/// again. Records of later imports stay, after the restored ones. A second call undoes the change
/// before.
///
/// A record names the one before by its hash, so the later ones are copied, as in pruning. Before
/// it writes, it checks that the store has everything that the restored records reach: kNotFound if
/// collect_store() has removed any of it. kNotFound also if there is nothing to undo;
/// kInvalidArgument if this name is a path prefix of an existing archive's, or the reverse;
/// kCorrupt if a record cannot be read or an object is missing from a store with damaged packs;
/// kUnsupported, kInterrupted, kIo as prune_archive(). Refreshes `store`.
///
/// Time: a walk over all that the records reach. Memory: work.memory_bytes, at least
/// smallest_undo_memory_bytes(), and 200 bytes a record.
BALE_EXPORT Result<UndoneChange> undo_archive_change(Store& store, const std::string& name,
                                                     const ArchiveChangeOptions& options = {});

}  // namespace bale
