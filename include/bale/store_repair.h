// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Mending a store: what is lost or damaged and can be made again is made again, out of what is left
// and, where it is given, out of another place that has the objects.
//
//   auto summary = bale::repair_store("archive.bale", {});
//   if (!summary) return summary.error();        // it could not be gone through with: try again
//   if (!summary->whole()) ...                   // summary->lost names what is lost still
//
//   const auto source = bale::open_store_source("backup.bale");
//   bale::repair_store("archive.bale", {.from = source->get()});

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bale/bytes.h"
#include "bale/file_system.h"
#include "bale/git_oid.h"
#include "bale/object.h"
#include "bale/progress.h"
#include "bale/result.h"

namespace bale {

/// Another place that may have objects which a store has lost. What it gives is not believed: the
/// ids are computed anew. Used on one thread, an object at a time.
class ObjectSource {
 public:
  /// Receives an object: its type and size, then its payload in pieces. An Error ends the reading
  /// and comes back.
  struct Receiver {
    std::function<Result<void>(ObjectType type, std::uint64_t size)> begin;
    std::function<Result<void>(Bytes piece)> write;
  };

  virtual ~ObjectSource() = default;

  /// Gives the object with this Git id. False where it is not there, or damaged there. An Error
  /// means that nothing more can be had here.
  virtual Result<bool> fetch(const GitOid& oid, const Receiver& receiver) = 0;

  /// The same for an object of the store's own that Git does not know: a record. False where the
  /// source knows no such ids.
  virtual Result<bool> fetch(const ObjectId& id, const Receiver& receiver) = 0;

  /// For messages: its path.
  [[nodiscard]] virtual const std::string& path() const = 0;
};

/// Another store as a source. `file_system` must outlive it. Errors as Store::open.
[[nodiscard]] Result<std::unique_ptr<ObjectSource>> open_store_source(
    const std::string& path, FileSystem* file_system = nullptr);

struct RepairOptions {
  ObjectSource* from = nullptr;  ///< where to look for what is lost; null: nowhere
  /// Say what would be done, and change nothing. Nothing is fetched; and where packs are to be
  /// mended first, what is lost is not looked for (RepairSummary::losses_known).
  bool dry_run = false;
  int level = 3;  ///< of objects that cannot stay stored as they were
  std::uint64_t memory_bytes = 64 << 20;
  std::size_t lanes = 0;
  bool sync = true;  ///< false: fast and not safe against a power cut, for tests
  Operation operation;
  FileSystem* file_system = nullptr;  ///< null: posix_file_system()
};

/// A record that is lost, and with it the way to those before it.
struct LostRecord {
  std::string archive;
  std::uint64_t back = 0;  ///< so many records of the archive are newer, and there
  std::string id;

  bool operator==(const LostRecord&) const = default;
};

struct RepairSummary {
  std::uint64_t packs_salvaged = 0;    ///< damaged ones, of which what was whole is in new packs
  std::uint64_t indexes_made = 0;      ///< of packs, anew
  std::uint64_t git_indexes_made = 0;  ///< the same for Git ids
  std::uint64_t objects_salvaged = 0;  ///< entries of damaged packs
  std::uint64_t objects_refetched = 0;
  std::uint64_t objects_lost = 0;  ///< that archives reach, and that are lost still
  /// Whether these were looked for: always, but in some dry runs, and where packs are inaccessible.
  bool losses_known = true;
  std::vector<std::string> archives_recovered;  ///< whose pointers were lost or damaged
  /// Of those recovered, whose newest record is lost: what that alone brought is gone, too.
  std::vector<std::string> archives_gone_back;
  std::vector<std::string> archives_lost;  ///< whose newest records are lost, all of them
  std::vector<std::string> lost;           ///< ids, of the first 1,000
  std::vector<LostRecord> records_lost;    ///< of which the first 1,000 ids may be
  std::vector<std::string> unreadable;     ///< what is wrong with objects that are there
  /// Files that the system refuses to read, and why. They are left where they are; what is in them
  /// is not lost, so with such packs neither lost objects nor archives are looked for.
  std::vector<std::string> inaccessible;
  /// Deltas in damaged packs that could not be rebuilt, needed or not: sentences, the first 1,000.
  std::vector<std::string> lost_deltas;
  std::uint64_t lost_deltas_omitted = 0;  ///< more of them
  std::vector<std::string> set_aside;     ///< where files were moved to
  std::vector<std::string> notes;         ///< sentences; the first 1,000

  /// Whether every archive is whole, as far as it was when it was made.
  [[nodiscard]] bool whole() const {
    return objects_lost == 0 && archives_lost.empty() && archives_gone_back.empty() &&
           unreadable.empty() && inaccessible.empty();
  }
};

/// The smallest memory_bytes.
[[nodiscard]] std::uint64_t smallest_repair_memory_bytes(int level = 3);

/// Mends the store at `path`: its mark and directories where packs are there; indexes from their
/// packs; damaged packs, of which all whole objects go into new ones; pointers of archives from the
/// records in the packs; the catalog; and lost objects from options.from.
///
/// No file is deleted but a damaged catalog, which is derived: what is damaged is moved to
/// STORE/damaged. It may be run again at any time, and after an error, a crash or a power cut it
/// should be: it goes on from there. Alone: it waits for imports and maintenance to end, and they
/// wait for it. A pointer that leads to a record of its archive is never touched.
///
/// kNotFound where there is neither the mark of a store nor a pack; kUnsupported for a store of
/// another version; kInvalidArgument for too little memory, with what would do; kLimitExceeded
/// where an object needs more. Memory: options.memory_bytes, whatever the store, and 33 bytes a
/// record.
Result<RepairSummary> repair_store(const std::string& path, const RepairOptions& options = {});

}  // namespace bale
