// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Taking an archive away, forgetting its older records, and bringing back what either released.
//
//   auto removed = bale::remove_archive(store, "linux");
//   auto pruned = bale::prune_archive(store, "linux", 3);     // keeps the newest three
//   auto undone = bale::undo_archive_change(store, "linux");
//
// None touches what is stored: each writes one small pack with records, and moves the archive on
// to the newest of them. Space comes back with maintenance (`bale gc`), and until then a change can
// be undone. All take the locks of an import, so they wait for one, and for maintenance. Once they
// return without an error, the change is durable; a crash or an error before leaves the archive as
// it was or as it shall be.

#pragma once

#include <cstdint>
#include <string>

#include "bale/object.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "bale/store.h"

namespace bale {

struct ArchiveChangeOptions {
  std::uint64_t memory_bytes = 32 << 20;
  bool sync = true;  ///< false: fast and not safe against a power cut, for tests
  Operation operation;
};

/// The smallest memory_bytes. Records that name very many refs need more to be read.
[[nodiscard]] std::uint64_t smallest_archive_change_bytes();

/// The same for undo_archive_change().
[[nodiscard]] std::uint64_t smallest_undo_bytes();

struct RemovedArchive {
  ObjectId record;   ///< says that the archive was removed, and when
  std::string pack;  ///< that the record lies in
};

/// Removes an archive: it has no records any more and is listed no more. The removal is remembered,
/// in the packs too, so that recovery does not bring the archive back. Importing into the name
/// later begins anew.
///
/// An archive whose newest record is damaged can be removed; one whose pointer is damaged cannot
/// (kCorrupt), because nothing would say what the removal removes. kNotFound if there is no such
/// archive or it was removed already, kInvalidArgument for a name or memory that does not do,
/// kInterrupted, kIo. Refreshes `store`.
///
/// Memory: options.memory_bytes.
Result<RemovedArchive> remove_archive(Store& store, const std::string& name,
                                      const ArchiveChangeOptions& options = {});

struct PrunedArchive {
  std::uint64_t records_kept = 0;
  std::uint64_t records_dropped = 0;  ///< of those that could be read
  bool older_unreadable = false;      ///< dropped too: one that cannot be read, and those before it
  ObjectId record;                    ///< the newest, after pruning
  std::string pack;                   ///< that the records lie in now; empty if nothing was written

  /// Whether there was anything to do. If not, nothing was written.
  [[nodiscard]] bool changed() const { return records_dropped > 0 || older_unreadable; }
};

/// Keeps the newest `keep` records of an archive, at least 1, and drops the others. A record names
/// the one before by its hash, so those that are kept are written anew, with new ids, and each
/// `replaces` the one that it was. NAME@N leads to what it led to, while there is such a record.
///
/// A record that is dropped need not be readable: so an archive is left with what is whole of it
/// where an older record was lost.
///
/// kNotFound if there is no such archive, kCorrupt where a record that is to be kept cannot be read
/// (the message says how many can be), kUnsupported where one holds what this version does not know
/// and would lose, kInvalidArgument for a name, number or memory that does not do, kInterrupted,
/// kIo. Refreshes `store`.
///
/// Memory: options.memory_bytes, the text of one record, and 33 bytes for each that is kept.
Result<PrunedArchive> prune_archive(Store& store, const std::string& name, std::uint64_t keep,
                                    const ArchiveChangeOptions& options = {});

/// What prune_archive() would do now; writes nothing and takes no lock, so it needs no permission
/// to write. `record` is the newest one as it is. Errors and memory as prune_archive().
Result<PrunedArchive> predict_prune(const Store& store, const std::string& name, std::uint64_t keep,
                                    const ArchiveChangeOptions& options = {});

struct UndoneChange {
  bool removal = false;            ///< what was undone: a removal, or else a pruning
  std::uint64_t records = 0;       ///< that the archive has now
  std::uint64_t records_back = 0;  ///< of these, what was released and is there again
  ObjectId record;                 ///< the newest, now
  std::string pack;                ///< that the new records lie in
};

/// Undoes the last remove_archive() or prune_archive() of this name: NAME@N leads to what it led to
/// before. Where imports came after it, their records stay, on top of what is brought back. Called
/// again, it undoes the change before that.
///
/// A record names the one before by its hash, so those from the change on are copied, as pruning
/// does it. Before anything is written, all that the records which are brought back reach is looked
/// for in the store: kNotFound where collect_store() has removed any of it. kNotFound also where
/// there is nothing to undo; kInvalidArgument where another archive has taken a name that is a path
/// prefix of this one, or the other way round; kCorrupt where a record cannot be read or something
/// of it is missing from a store with damaged packs; kUnsupported, kInterrupted, kIo as
/// prune_archive(). Refreshes `store`.
///
/// Time: a walk over all that the records reach. Memory: options.memory_bytes, at least
/// smallest_undo_bytes(), and 200 bytes a record.
Result<UndoneChange> undo_archive_change(Store& store, const std::string& name,
                                         const ArchiveChangeOptions& options = {});

}  // namespace bale
