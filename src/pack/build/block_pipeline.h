// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// BlockPipeline: takes blocks of entries through compression, placement, writing, hashing and
// sorting, on as many lanes as there are, and lets them out in the order in which they came.
//
//   submit -> sketch       any lane, any order     } only where bases for deltas are looked for:
//          -> find         in order                } delta_stage.h
//          -> encode       any lane, any order     a context and a second buffer
//          -> place        in order                gives the block its offset; costs nothing
//          -> write, hash  any lane, any order
//          -> commit       in order, one at a time: hash joined, ids to the index sort
//
//   EntryBlock* block = TRY(pipeline.take());   // waits while all buffers are in use
//   block->append(...);
//   TRY(pipeline.submit(block));
//   TRY(pipeline.drain());                      // waits until everything is committed
//
// With one lane everything happens in submit(), on the caller's thread. What comes out is the same
// for any number of lanes.
//
// Memory, charged: memory_bytes(options). One lane that compresses has a context and two buffers;
// L lanes have L contexts and 2 L + 2 buffers: two for each that is at work, one that waits for a
// lane, one that is being filled. The DeltaStage has its own.
//
// take, submit and drain are for one thread. The first error of any step is what they all return
// from then on. The destructor waits for work under way and drops the rest.

#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "bale/result.h"
#include "base/budget.h"
#include "base/lanes.h"
#include "pack/build/block_encoder.h"
#include "pack/build/delta_stage.h"
#include "pack/build/index_builder.h"
#include "pack/build/pack_stream.h"

namespace bale {

struct BlockPipelineOptions {
  std::size_t lanes = 1;
  int level = 3;
  bool compress = true;
  bool deltas = false;
  bool keep_offsets = false;  ///< for take_offsets()
};

/// How many blocks such a pipeline has.
[[nodiscard]] std::size_t block_count(const BlockPipelineOptions& options);

class BlockPipeline {
 public:
  [[nodiscard]] static std::uint64_t memory_bytes(const BlockPipelineOptions& options);

  /// Requires options.lanes == lanes.count(). `deltas` may be null; it must have as many lanes and
  /// blocks, and options.compress be true. What is referred to must outlive the pipeline.
  [[nodiscard]] static Result<std::unique_ptr<BlockPipeline>> create(
      const BlockPipelineOptions& options, Budget& budget, Lanes& lanes, PackStream& stream,
      IndexBuilder& index, DeltaStage* deltas = nullptr);

  BlockPipeline(const BlockPipeline&) = delete;
  BlockPipeline& operator=(const BlockPipeline&) = delete;
  ~BlockPipeline();

  /// An empty block, to be filled and submitted.
  Result<EntryBlock*> take();

  Result<void> submit(EntryBlock* block);

  /// Waits until all that was submitted is committed.
  Result<void> drain();

  /// Offsets of entries committed since the last call, in order.
  void take_offsets(std::vector<std::uint64_t>& offsets);

  /// Bytes of payload as they are stored, of all blocks committed. Call after drain().
  [[nodiscard]] std::uint64_t stored_bytes() const { return stored_bytes_; }

  /// How many entries of all blocks committed are deltas. Call after drain().
  [[nodiscard]] std::uint64_t deltas() const { return deltas_made_; }

 private:
  enum class State : std::uint8_t { kQueued, kSketched, kFound, kEncoded, kPlaced, kWritten };

  // A block in the order of the pack.
  struct Slot {
    EntryBlock* block = nullptr;
    State state = State::kQueued;
    bool encode = false;
    PlacedBlock placed;
  };

  BlockPipeline(const BlockPipelineOptions& options, Lanes& lanes, PackStream& stream,
                IndexBuilder& index, DeltaStage* deltas);

  void post(Slot& slot, void (BlockPipeline::*step)(Slot&, std::size_t lane));
  void sketch(Slot& slot, std::size_t lane);
  void find_in_order();
  Result<void> wait_committed(std::uint64_t entries);
  void encode(Slot& slot, std::size_t lane);
  void place_in_order(Slot& mine, std::size_t lane);
  void write(Slot& slot, std::size_t lane);
  void commit_in_order(std::unique_lock<std::mutex>& lock);
  Result<void> commit(const PlacedBlock& placed);
  Result<void> commit_piece(const PlacedBlock& placed);
  Result<void> add_to_index(const ObjectId& id, std::uint64_t offset);
  void fail_with(const Error& error);
  void release(EntryBlock* block);

  const BlockPipelineOptions options_;
  Lanes& lanes_;
  PackStream& stream_;
  IndexBuilder& index_;
  DeltaStage* const deltas_;  // may be null
  std::vector<Buffer> buffers_;
  std::vector<EntryBlock> blocks_;
  std::vector<BlockEncoder> encoders_;  // one a lane

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<EntryBlock*> free_;
  std::deque<Slot> slots_;              // submitted and not committed yet
  std::size_t found_count_ = 0;         // of slots_, for how many deltas have been found
  std::size_t placed_count_ = 0;        // of slots_, how many have their place
  std::size_t waiting_for_buffer_ = 0;  // blocks to be encoded that have no second buffer yet
  std::uint64_t committed_entries_ = 0;
  bool finding_ = false;
  bool committing_ = false;
  std::size_t posted_ = 0;  // pieces of work that have not ended
  std::optional<Error> first_error_;
  std::vector<std::uint64_t> offsets_;

  // Only in commit(), of which there is one at a time.
  std::uint64_t payload_offset_ = 0;  // of the entry whose payload comes in pieces
  std::uint64_t stored_bytes_ = 0;
  std::uint64_t deltas_made_ = 0;
  std::vector<std::uint64_t> block_offsets_;
};

}  // namespace bale
