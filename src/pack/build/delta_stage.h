// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// DeltaStage: how the build pipeline finds deltas. It adds two steps before the encoding of a
// block:
//
//   sketch   any lane, any order   what the payloads are like
//   find     in order              copies the block into the ring of recent objects, and makes a
//                                  delta of each entry against the bases that promise most
//   commit   in order, later       notes where the entries lie, for those that come after
//
// Finding is in order because the depth of a base must be known before anything leans on it. So one
// lane at a time is at it, while others sketch, compress, write and hash. It takes some 1.5 ns a
// byte: more than one lane's worth would only help where objects come faster than that.
//
// What it finds depends on the entries before alone, so the pack is the same for any number of
// lanes.
//
// Memory, charged: memory_bytes(options). Each step says which thread may take it.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bale/file_system.h"
#include "bale/result.h"
#include "base/budget.h"
#include "pack/build/entry_block.h"
#include "pack/deltas/base_chooser.h"
#include "pack/deltas/base_reader.h"
#include "pack/deltas/base_search.h"
#include "pack/deltas/delta_trier.h"
#include "pack/deltas/entry_log.h"
#include "pack/deltas/payload_ring.h"

namespace bale {

struct DeltaStageOptions {
  std::size_t blocks = 2;  ///< that the pipeline has
  std::uint64_t most_object_bytes = 1 << 20;
  std::uint64_t table_bytes = 1 << 20;
  std::uint64_t ring_bytes = 4 << 20;  ///< at least EntryBlock::buffer_bytes(true)
};

class DeltaStage {
 public:
  [[nodiscard]] static std::uint64_t memory_bytes(const DeltaStageOptions& options);

  /// The pack begins at `position` of `pack`, which is read back from. What is referred to must
  /// outlive the stage.
  [[nodiscard]] static Result<std::unique_ptr<DeltaStage>> create(
      const DeltaStageOptions& options, Budget& budget, File& pack, std::uint64_t position,
      FileSystem& file_system, const std::string& scratch_directory);

  /// One for each of the pipeline's blocks.
  [[nodiscard]] BlockSearch* search(std::size_t block) { return &searches_[block]; }

  /// Any lane.
  void sketch(const EntryBlock& block) const;

  /// In order, one call at a time. `wait_committed(n)` must return once n entries have been
  /// committed, or an Error; it is called where a base has left the ring, with an n that blocks
  /// before this one bring.
  Result<void> find(EntryBlock& block,
                    const std::function<Result<void>(std::uint64_t)>& wait_committed);

  /// In order: the entries of an encoded block that begins at this offset of the pack.
  Result<void> commit(const EntryBlock& block, std::uint64_t offset);
  /// The same for an entry whose payload came in pieces.
  Result<void> commit_large(std::uint64_t offset, std::uint64_t size);

  [[nodiscard]] EntryLog& log() { return *log_; }

  /// Gives back all memory but the log's: nothing is to be found or committed any more.
  void finish();

 private:
  DeltaStage(const DeltaStageOptions& options, std::unique_ptr<EntryLog> log, BaseChooser chooser,
             PayloadRing ring)
      : options_(options),
        log_(std::move(log)),
        chooser_(std::move(chooser)),
        ring_(std::move(ring)) {}

  DeltaStageOptions options_;
  std::unique_ptr<EntryLog> log_;
  std::optional<BaseChooser> chooser_;
  std::optional<PayloadRing> ring_;
  std::unique_ptr<BaseReader> reader_;
  std::optional<DeltaTrier> trier_;
  Charge searches_charge_;
  std::vector<BlockSearch> searches_;
  std::uint64_t payload_bytes_ = 0;  // of all entries so far
};

}  // namespace bale
