// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Repairing a store: rebuilds lost or damaged files from the remaining data and fetches lost
// objects from another source, if one is given.
//
//   auto summary = bale::repair_store("archive.bale", {});
//   if (!summary) return summary.error();        // it could not finish: try again
//   for (const std::string& lost : summary->lost) print(lost);   // ids still lost
//
//   const auto source = bale::open_store_source("backup.bale");
//   if (!source) return source.error();
//   summary = bale::repair_store("archive.bale", {.from = source->get()});

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bale/bytes.h"
#include "bale/export.h"
#include "bale/file_system.h"
#include "bale/git_oid.h"
#include "bale/object.h"
#include "bale/result.h"
#include "bale/work_options.h"

namespace bale {

/// Another place that may have objects which a store has lost. The caller does not trust it and
/// computes all ids itself. Used on one thread, an object at a time.
class BALE_EXPORT ObjectSource {
 public:
  /// Receives an object: its type and size, then its payload in pieces. An Error ends the reading
  /// and is returned.
  struct Receiver {
    std::function<Result<void>(ObjectType type, std::uint64_t size)> begin;
    std::function<Result<void>(Bytes piece)> write;
  };

  virtual ~ObjectSource() = default;

  /// Sends the object with this Git id. False if the source lacks it or has it damaged. After an
  /// Error the source cannot be used any more.
  virtual Result<bool> fetch(const GitOid& oid, const Receiver& receiver) = 0;

  /// The same for a record, which has no Git id. False if the source has no such ids.
  virtual Result<bool> fetch(const ObjectId& id, const Receiver& receiver) = 0;

  /// For messages: its path.
  [[nodiscard]] virtual const std::string& path() const = 0;
};

/// Another store as a source. `file_system` must outlive it. Errors as Store::open.
[[nodiscard]] BALE_EXPORT Result<std::unique_ptr<ObjectSource>> open_store_source(
    const std::string& path, FileSystem* file_system = nullptr);

struct RepairOptions {
  ObjectSource* from = nullptr;  ///< source of lost objects; null: none
  /// Compute the summary and change nothing. Nothing is fetched; if packs need repair first, lost
  /// objects are not determined (RepairSummary::losses_known).
  bool dry_run = false;
  int level = 3;  ///< for objects that must be compressed again
  WorkOptions work{};
};

/// A lost record. The records before it cannot be reached either.
struct LostRecord {
  std::string archive;
  std::uint64_t back = 0;  ///< number of newer records, all present
  std::string id;

  bool operator==(const LostRecord&) const = default;
};

struct RepairSummary {
  std::uint64_t packs_salvaged = 0;    ///< damaged packs whose sound objects are in new packs
  std::uint64_t indexes_made = 0;      ///< of packs, rebuilt
  std::uint64_t git_indexes_made = 0;  ///< the same for Git ids
  std::uint64_t objects_salvaged = 0;  ///< entries of damaged packs
  std::uint64_t objects_refetched = 0;
  std::uint64_t objects_lost = 0;  ///< that archives reach and that are still lost
  /// Whether lost objects were determined: not in some dry runs, nor if packs are inaccessible.
  bool losses_known = true;
  std::vector<std::string> archives_recovered;  ///< whose pointers were lost or damaged
  /// Recovered archives whose newest record is lost, with the objects that only it had.
  std::vector<std::string> archives_gone_back;
  std::vector<std::string> archives_lost;  ///< whose newest records are lost, all of them
  std::vector<std::string> lost;           ///< ids, of the first 1,000
  std::vector<LostRecord> records_lost;    ///< of which the first 1,000 ids may be
  std::vector<Error> unreadable;           ///< errors in objects that are present
  /// Files that the system refuses to read, and why. They are not moved, and their objects do
  /// not count as lost; so with such packs neither lost objects nor archives are determined.
  std::vector<Error> inaccessible;
  /// Deltas in damaged packs that could not be rebuilt, needed or not: sentences, the first 1,000.
  std::vector<std::string> lost_deltas;
  std::uint64_t lost_deltas_omitted = 0;  ///< more of them
  std::vector<std::string> set_aside;     ///< where files were moved to
  std::vector<std::string> notes;         ///< sentences; the first 1,000

  /// Whether every archive has all objects that it had when it was made.
  [[nodiscard]] bool whole() const {
    return objects_lost == 0 && archives_lost.empty() && archives_gone_back.empty() &&
           unreadable.empty() && inaccessible.empty();
  }
};

/// The smallest memory_bytes.
[[nodiscard]] BALE_EXPORT std::uint64_t smallest_repair_memory_bytes(int level = 3);

/// Repairs the store at `path`: its mark and directories, if it has packs; indexes, from their
/// packs; damaged packs, by copying their sound objects to new ones; pointers of archives, from the
/// records in the packs; the catalog; and lost objects, from options.from.
///
/// It deletes only a damaged catalog, which is derived data, and moves other damaged files to
/// STORE/damaged. It can be run at any time; run it again after an error, a crash or a power cut,
/// and it continues. It runs exclusively: it waits for imports and maintenance to end, and they
/// wait for it. It never changes a pointer to a record of its own archive.
///
/// kNotFound where there is neither the mark of a store nor a pack; kUnsupported for a store of
/// another version; kInvalidArgument for too little memory, with the amount needed; kLimitExceeded
/// if an object needs more. Memory: work.memory_bytes for any store, and 33 bytes a record.
BALE_EXPORT Result<RepairSummary> repair_store(const std::string& path,
                                               const RepairOptions& options = {});

}  // namespace bale
