// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// PackCopier: what repack and gc write: chosen entries of packs go into new packs of the same
// store.
//
//   PackCopier copier(store, {.hash = GitHash::kSha1, ...});
//   for (number : inputs) TRY(copier.copy(number, keeps));
//   TRY(copier.finish());                 // the new packs are installed now, and durable
//   ... then, and only then, take the inputs away
//
// An entry is taken over as it is stored. A delta stays one where its base went into the same new
// pack, from the same old one: then no chain becomes longer than it was. Else its object is stored
// whole. With `recompress` every object is decoded, and deltas are found anew.
//
// Never copy a damaged pack: its bytes would get a new, right checksum. pack_damage() tells.
//
// Memory: options.memory_bytes. Not thread-safe.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bale/git_oid.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "bale/store.h"
#include "scratch/scratch_array.h"
#include "store/core/staged_pack.h"
#include "store/maintain/pack_walk.h"

namespace bale {

struct PackCopierOptions {
  GitHash hash = GitHash::kSha1;  ///< of all packs that are copied
  bool recompress = false;
  int level = 3;  ///< where something is compressed
  /// A new pack is begun when one has so many bytes of stored payload; 0: never.
  std::uint64_t max_pack_bytes = 0;
  std::uint64_t memory_bytes = 64 << 20;  ///< at least smallest_copy_memory_bytes()
  std::size_t lanes = 0;
  bool sync = true;
  Operation operation;
};

[[nodiscard]] std::uint64_t smallest_copy_memory_bytes(int level, bool recompress);

struct PackCopierTotals {
  std::uint64_t objects = 0;   ///< entries that were copied
  std::uint64_t dropped = 0;   ///< and those that were not
  std::uint64_t bytes = 0;     ///< of the objects' payloads
  std::uint64_t verbatim = 0;  ///< of `objects`, taken over as they were stored
  std::vector<InstalledPack> packs;
};

class PackCopier {
 public:
  /// Whether an entry of the pack that is copied is wanted.
  using Keeps = std::function<Result<bool>(const StoredEntry& entry, const std::optional<GitOid>&)>;

  /// `store` must outlive it.
  PackCopier(const Snapshot& store, PackCopierOptions options)
      : store_(store), options_(std::move(options)) {}

  Result<void> copy(std::uint32_t number, const Keeps& keeps);

  /// Adds one object, whole or as a delta that is found for it. For those who give an order of
  /// their own; needs recompress.
  Result<void> add(const ObjectLocation& location, const std::optional<GitOid>& oid,
                   std::uint64_t lineage);

  /// Counts an entry that is not added.
  void drop() { ++totals_.dropped; }

  /// Finishes and installs what is left. Without it nothing of the last pack remains.
  Result<void> finish();

  [[nodiscard]] const PackCopierTotals& totals() const { return totals_; }

  /// A place for scratch files; there once something was copied.
  [[nodiscard]] const std::string& directory() const { return staged_->directory(); }

  /// Begins a pack, where none is begun, so that there is a directory().
  Result<void> start_pack();

 private:
  Result<void> copy_entry(PackWalk& walk, const PackWalk::Entry& entry);
  Result<void> copy_stored(PackWalk& walk, const PackWalk::Entry& entry);
  Result<void> add_decoded(const PackReader& reader, std::uint64_t offset, ReadContext& context,
                           const std::optional<GitOid>& oid, std::uint64_t lineage);
  Result<bool> may_stay_stored(const PackReader& reader, const StoredEntry& entry);
  /// Begins another pack where this one has no room for an entry of so many stored bytes.
  Result<void> make_room(std::uint64_t stored_bytes);
  Result<void> end_pack();

  const Snapshot store_;
  PackCopierOptions options_;
  std::unique_ptr<StagedPack> staged_;
  std::uint64_t stored_bytes_ = 0;  // in staged_
  // Of the pack that is copied: which records of its index went into staged_.
  std::unique_ptr<Budget> copied_budget_;
  std::optional<ScratchBits> copied_;
  std::optional<ReadContext> context_;  // for add()
  PackCopierTotals totals_;
};

/// Whether the bytes of the pack are those that were written: its checksum, read whole, and its
/// index. The errors of verify_pack, at most a few, where not; kIo where a part of it cannot be
/// read.
Result<std::vector<Error>> pack_damage(const Snapshot& store, std::uint32_t number,
                                       const std::string& scratch_directory,
                                       std::uint64_t memory_bytes, const Operation& operation);

}  // namespace bale
