// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// StagedPack: a pack on its way into a store, with its Git index: built in staging/, installed
// whole, or gone without a trace.
//
//   auto staged = StagedPack::create(store, GitHash::kSha1, options);
//   staged.add(oid, ObjectType::kBlob, payload);        // as often as it takes
//   ObjectId record = staged.add_record(record);
//   InstalledPack pack = staged.install();              // durable, under its name, in packs/
//   move_archive(store, name, record);
//
// What is left in staging/ by a process that died is recognised by its lock, which is free, and
// removed when the next StagedPack is made.
//
// Memory: options.memory_bytes, an eighth of it for the sort of Git ids. Not thread-safe.

#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "bale/git_oid.h"
#include "bale/pack_builder.h"
#include "bale/pack_reader.h"
#include "bale/record.h"
#include "bale/result.h"
#include "bale/store.h"
#include "base/budget.h"
#include "hash/blake3.h"
#include "store/core/git_index_builder.h"
#include "store/core/staging_area.h"

namespace bale {

struct StagedPackOptions {
  int level = 3;
  bool deltas = false;  ///< see PackBuilderOptions
  bool allow_huge = true;
  std::uint64_t memory_bytes = 32 << 20;
  std::size_t lanes = 0;  ///< of the builder: see PackBuilderOptions
  bool sync = true;
  Operation operation;
};

struct InstalledPack {
  std::string name;
  PackSummary summary;
  std::uint64_t git_index_bytes = 0;
};

class StagedPack {
 public:
  /// kInvalidArgument where the memory does not do, with what would.
  [[nodiscard]] static Result<std::unique_ptr<StagedPack>> create(const Snapshot& store,
                                                                  GitHash hash,
                                                                  const StagedPackOptions& options);

  /// The smallest memory_bytes that these options work with.
  [[nodiscard]] static std::uint64_t smallest_memory_bytes(int level, bool deltas = false);

  /// From so much memory_bytes on, with deltas, objects of all sizes that may be deltas are.
  [[nodiscard]] static std::uint64_t full_search_memory_bytes(int level);

  StagedPack(const StagedPack&) = delete;
  StagedPack& operator=(const StagedPack&) = delete;
  ~StagedPack() = default;

  /// Adds an object under the store's id for it, known to Git as `oid`, or not to be found by a Git
  /// id. kCorrupt where another
  /// object of the store has the same id and other bytes. Never for a record: see add_record().
  /// Objects of one `lineage` other than 0 are versions of one thing: a hint for the choice of
  /// bases.
  Result<ObjectId> add(const std::optional<GitOid>& oid, ObjectType type, Bytes payload,
                       std::uint64_t lineage = 0);

  /// The same in pieces; the Git id is given in the end. Nothing else may be called in between.
  Result<void> begin(ObjectType type, std::uint64_t size);
  Result<void> write(Bytes piece);
  Result<ObjectId> end(const std::optional<GitOid>& oid);

  /// Adds an object of another pack under the id that it has there: a record keeps its own.
  /// kCorrupt where `id` is not what a store may call it.
  Result<void> add_as(const ObjectId& id, const std::optional<GitOid>& oid, ObjectType type,
                      Bytes payload, std::uint64_t lineage = 0);

  /// Ends an object that came in pieces, in the same way.
  Result<void> end_as(const ObjectId& id, const std::optional<GitOid>& oid);

  /// Adds a record: an action that Git does not know, under an id that no tag has.
  Result<ObjectId> add_record(const Record& record);

  /// Whether the store could not tell this object of a source from a record: in one with the old
  /// mark, an action that begins with '{'.
  [[nodiscard]] bool is_taken_for_record(ObjectType type, Bytes beginning) const;

  /// Takes over an entry of another pack as it is stored: see PackBuilder::add_stored, whose duties
  /// the caller has. Neither id is checked against the payload, nor against the store.
  Result<void> add_stored(const std::optional<GitOid>& oid, const StoredEntry& entry);

  /// The same in pieces: begin_stored, then write until entry.stored_size bytes have come, then
  /// end_stored. Nothing else may be called in between.
  Result<void> begin_stored(const StoredEntry& entry);
  Result<void> end_stored(const std::optional<GitOid>& oid);

  /// The directory in staging/ that this pack is made in: a place for scratch files.
  [[nodiscard]] const std::string& directory() const { return area_->path(); }

  /// Finishes the pack, makes its three files durable and moves them into packs/.
  Result<InstalledPack> install();

 private:
  StagedPack(const Snapshot& store, GitHash hash, const StagedPackOptions& options);

  Result<void> start();
  Result<void> check_change_id(const ObjectId& id, ObjectType type, Bytes payload);
  Result<void> entry_written(const EntryPosition& entry);
  Result<void> check_name_is_free(const InstalledPack& installed) const;

  const Snapshot store_;
  GitHash hash_;
  StagedPackOptions options_;
  Budget git_index_budget_;
  std::optional<StagingArea> area_;  // before what lies in it, so that it is removed after that
  std::optional<PackBuilder> builder_;
  std::optional<GitIndexBuilder> git_index_;
  std::deque<std::optional<GitOid>> unplaced_;  // of entries whose offset is not known yet
  std::optional<TypedHasher> streamed_;         // of an object whose id is to be found
  ObjectType streamed_type_ = ObjectType::kBlob;
  std::optional<ReadContext> compare_context_;
};

/// Makes `record` the newest of the archive: durable when this returns. The record's pack must be
/// installed.
Result<void> move_archive(const Snapshot& store, const std::string& name, const ObjectId& record,
                          bool sync);

}  // namespace bale
