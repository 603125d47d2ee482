// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// IndexBuilder: collects where every entry of a pack lies, in any order and any number, and writes
// the pack's index. Along the way it proves that each delta's base is in the pack: by a merge
// of two sorted streams, so in bounded memory.
//
// With lanes, sorting, hashing and writing go on beside the caller's work (external_sorter.h); what
// is written does not depend on them.
//
// Memory: `memory_bytes` for the two sorts, later `merge_memory_bytes`, and the write buffer of
// write(). Not thread-safe.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "bale/object.h"
#include "base/budget.h"
#include "format/container.h"
#include "pack/build/index_writer.h"
#include "scratch/external_sorter.h"

namespace bale {

struct IndexBuilderOptions {
  std::uint64_t memory_bytes = 4 << 20;  ///< at least kMinIndexBuilderBytes
  FileSystem* file_system = nullptr;
  std::string scratch_directory;
  const Operation* operation = nullptr;
  Lanes* lanes = nullptr;  ///< may be null; must outlive the builder
  /// Whether a base must also stand before its delta, which excludes cycles: true of every pack
  /// that bale builds. Other writers may choose bases that come later; then readers find the
  /// cycles.
  bool bases_first = true;
  /// May be empty; told in write() of each entry whose id an earlier entry has, with the offset of
  /// the first such entry and its own.
  std::function<Result<void>(std::uint64_t first, std::uint64_t duplicate)> on_duplicate{};
};

inline constexpr std::uint64_t kMinIndexBuilderBytes = 2 * kMinSorterBytes;

struct IndexSummary {
  std::uint64_t records = 0;
  std::uint64_t duplicates = 0;  ///< entries whose id an earlier entry has
  std::uint64_t index_bytes = 0;
  std::uint64_t scratch_bytes = 0;
};

class IndexBuilder {
 public:
  [[nodiscard]] static Result<IndexBuilder> create(Budget& budget, IndexBuilderOptions options);

  Result<void> add(const ObjectId& id, std::uint64_t offset);

  /// The entry at `delta_offset` needs `base`, a content hash.
  Result<void> add_base(const ObjectId& base, std::uint64_t delta_offset);

  /// Writes the index of the pack with this trailer to `file`, from its first byte. Neither syncs
  /// nor truncates it. kCorrupt, naming base and offset, where a delta's base is not in the pack,
  /// or not before it (bases_first). Call once.
  ///
  /// `budget` pays for the write buffer. The sorts may have more memory now than for adding:
  /// merge_memory_bytes, if that is more than memory_bytes, must be free in create()'s budget once
  /// theirs is given back.
  Result<IndexSummary> write(File& file, Budget& budget, const Digest& pack_trailer,
                             std::uint64_t merge_memory_bytes = 0);

 private:
  // A base's 32 bytes of hash and the offset of the delta that needs it, big-endian.
  using BaseRecord = ExternalSorter<40>::Record;

  IndexBuilder() = default;

  [[nodiscard]] bool may_need_proof(const SortRecord& record) const;
  Result<void> next_base();
  Result<void> prove_bases_up_to(const SortRecord& record);
  Result<void> prove_no_base_left();

  Budget* budget_ = nullptr;
  IndexBuilderOptions options_;
  std::optional<ExternalSorter<41>> entries_;
  std::optional<ExternalSorter<40>> bases_;
  const BaseRecord* base_ = nullptr;  // the smallest not proved yet
  std::uint64_t base_window_ = 0;     // its first bytes
};

}  // namespace bale
