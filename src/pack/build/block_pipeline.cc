// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Why it cannot come to a standstill: a block that waits for a second buffer to be encoded into
// gets one, because take() leaves as many free as may be needed, because lanes begin with the
// oldest block, and because encoding frees a buffer whenever it has used one. The oldest block
// waits for nothing else, so it is committed, and its buffer is free.

#include "pack/build/block_pipeline.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/known_id.h"
#include "base/try.h"

namespace bale {

std::size_t block_count(const BlockPipelineOptions& options) {
  if (options.lanes == 1) return 2;
  return options.compress ? 2 * options.lanes + 2 : options.lanes + 2;
}

std::uint64_t BlockPipeline::memory_bytes(const BlockPipelineOptions& options) {
  const std::uint64_t contexts =
      options.compress ? options.lanes * BlockEncoder::memory_bytes(options.level, options.deltas)
                       : 0;
  return block_count(options) * EntryBlock::buffer_bytes(options.deltas) + contexts;
}

BlockPipeline::BlockPipeline(const BlockPipelineOptions& options, Lanes& lanes, PackStream& stream,
                             IndexBuilder& index, DeltaStage* deltas)
    : options_(options), lanes_(lanes), stream_(stream), index_(index), deltas_(deltas) {}

Result<std::unique_ptr<BlockPipeline>> BlockPipeline::create(const BlockPipelineOptions& options,
                                                             Budget& budget, Lanes& lanes,
                                                             PackStream& stream,
                                                             IndexBuilder& index,
                                                             DeltaStage* deltas) {
  CHECK(options.lanes == lanes.count());
  CHECK((deltas != nullptr) == options.deltas && (options.compress || !options.deltas));
  std::unique_ptr<BlockPipeline> pipeline(new BlockPipeline(options, lanes, stream, index, deltas));
  const std::size_t count = block_count(options);
  for (std::size_t i = 0; i < count; ++i) {
    pipeline->buffers_.push_back(TRY(
        Buffer::allocate(budget, EntryBlock::buffer_bytes(options.deltas), "a block of entries")));
    pipeline->blocks_.emplace_back(pipeline->buffers_.back().span(),
                                   deltas != nullptr ? deltas->search(i) : nullptr);
  }
  for (EntryBlock& block : pipeline->blocks_) pipeline->free_.push_back(&block);
  if (options.compress) {
    for (std::size_t lane = 0; lane < options.lanes; ++lane) {
      pipeline->encoders_.push_back(
          TRY(BlockEncoder::create(budget, options.level, options.deltas)));
    }
  }
  return pipeline;
}

BlockPipeline::~BlockPipeline() {
  std::unique_lock lock(mutex_);
  if (!first_error_) first_error_ = Error{ErrorCode::kInterrupted, "abandoned"};
  changed_.notify_all();
  changed_.wait(lock, [&] { return posted_ == 0; });
}

Result<EntryBlock*> BlockPipeline::take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] {
    return first_error_.has_value() || free_.size() > std::min(options_.lanes, waiting_for_buffer_);
  });
  if (first_error_) return *first_error_;
  EntryBlock* block = free_.back();
  free_.pop_back();
  return block;
}

Result<void> BlockPipeline::submit(EntryBlock* block) {
  Slot* slot = nullptr;
  const bool search = deltas_ != nullptr;
  const bool encode_first =
      options_.compress && (block->wants_compression() || (search && !block->is_piece()));
  {
    const std::lock_guard lock(mutex_);
    if (first_error_) return *first_error_;
    // A deque's elements stay where they are while others join and leave at its ends.
    slot = &slots_.emplace_back(Slot{.block = block, .encode = encode_first, .placed = {}});
    if (encode_first) ++waiting_for_buffer_;
    if (!search && !encode_first) slot->state = State::kEncoded;
  }
  if (search) {
    post(*slot, &BlockPipeline::sketch);
  } else {
    post(*slot, encode_first ? &BlockPipeline::encode : &BlockPipeline::place_in_order);
  }
  const std::lock_guard lock(mutex_);
  if (first_error_) return *first_error_;
  return {};
}

Result<void> BlockPipeline::drain() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return first_error_.has_value() || slots_.empty(); });
  if (first_error_) return *first_error_;
  return {};
}

void BlockPipeline::take_offsets(std::vector<std::uint64_t>& offsets) {
  const std::lock_guard lock(mutex_);
  offsets.clear();
  offsets.swap(offsets_);
}

void BlockPipeline::post(Slot& slot, void (BlockPipeline::*step)(Slot&, std::size_t lane)) {
  {
    const std::lock_guard lock(mutex_);
    ++posted_;
  }
  lanes_.post([this, &slot, step](std::size_t lane) {
    {
      std::unique_lock lock(mutex_);
      if (first_error_) {
        --posted_;
        changed_.notify_all();
        return;
      }
    }
    (this->*step)(slot, lane);
    // Under the lock: the destructor may go on, and the pipeline away, right after.
    const std::lock_guard lock(mutex_);
    --posted_;
    changed_.notify_all();
  });
}

void BlockPipeline::fail_with(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (!first_error_) first_error_ = error;
  changed_.notify_all();
}

void BlockPipeline::release(EntryBlock* block) {
  block->clear();
  free_.push_back(block);
  changed_.notify_all();
}

void BlockPipeline::sketch(Slot& slot, std::size_t /*lane*/) {
  if (!slot.block->is_piece()) deltas_->sketch(*slot.block);
  {
    const std::lock_guard lock(mutex_);
    slot.state = State::kSketched;
  }
  find_in_order();
}

// Finds deltas for as many blocks as are ready, unless somebody is at it. With one lane all older
// blocks are committed by then; with more, one waits here at most, and the others go on.
void BlockPipeline::find_in_order() {
  std::unique_lock lock(mutex_);
  while (!finding_ && !first_error_ && found_count_ < slots_.size() &&
         slots_[found_count_].state == State::kSketched) {
    Slot& slot = slots_[found_count_];
    finding_ = true;
    lock.unlock();
    const Result<void> found = deltas_->find(
        *slot.block, [this](std::uint64_t entries) { return wait_committed(entries); });
    if (!found) fail_with(found.error());
    lock.lock();
    finding_ = false;
    if (!found) return;
    slot.state = slot.encode ? State::kFound : State::kEncoded;
    ++found_count_;
    lock.unlock();
    post(slot, slot.encode ? &BlockPipeline::encode : &BlockPipeline::place_in_order);
    lock.lock();
  }
}

Result<void> BlockPipeline::wait_committed(std::uint64_t entries) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return first_error_ || committed_entries_ >= entries; });
  if (first_error_) return *first_error_;
  return {};
}

void BlockPipeline::encode(Slot& slot, std::size_t lane) {
  EntryBlock* out = nullptr;
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return first_error_.has_value() || !free_.empty(); });
    if (first_error_) return;
    out = free_.back();
    free_.pop_back();
    --waiting_for_buffer_;
  }
  if (const Result<void> encoded = encoders_[lane].encode(*slot.block, *out); !encoded) {
    return fail_with(encoded.error());
  }
  {
    const std::lock_guard lock(mutex_);
    release(std::exchange(slot.block, out));
    slot.state = State::kEncoded;
  }
  place_in_order(slot, lane);
}

// Places `mine` and those behind it, unless an older block is still being encoded: whoever encodes
// that one comes by here then.
void BlockPipeline::place_in_order(Slot& mine, std::size_t lane) {
  std::vector<Slot*> others;
  bool placed_mine = false;
  {
    const std::lock_guard lock(mutex_);
    while (placed_count_ < slots_.size() && slots_[placed_count_].state == State::kEncoded) {
      Slot& slot = slots_[placed_count_++];
      slot.placed = stream_.place(*slot.block);
      slot.state = State::kPlaced;
      if (&slot == &mine) {
        placed_mine = true;
      } else {
        others.push_back(&slot);
      }
    }
  }
  for (Slot* other : others) post(*other, &BlockPipeline::write);
  if (placed_mine) write(mine, lane);
}

void BlockPipeline::write(Slot& slot, std::size_t /*lane*/) {
  if (const Result<void> written = stream_.write(slot.placed); !written) {
    return fail_with(written.error());
  }
  std::unique_lock lock(mutex_);
  slot.state = State::kWritten;
  if (!committing_) commit_in_order(lock);
}

void BlockPipeline::commit_in_order(std::unique_lock<std::mutex>& lock) {
  committing_ = true;
  while (!first_error_ && !slots_.empty() && slots_.front().state == State::kWritten) {
    const PlacedBlock placed = std::move(slots_.front().placed);
    lock.unlock();
    const Result<void> committed = commit(placed);
    if (!committed) fail_with(committed.error());
    lock.lock();
    if (!committed) break;
    offsets_.insert(offsets_.end(), block_offsets_.begin(), block_offsets_.end());
    block_offsets_.clear();
    if (deltas_ != nullptr) committed_entries_ = deltas_->log().size();
    release(slots_.front().block);
    slots_.pop_front();
    --placed_count_;
    if (deltas_ != nullptr) --found_count_;
  }
  committing_ = false;
}

Result<void> BlockPipeline::commit(const PlacedBlock& placed) {
  TRY(stream_.commit(placed));
  const EntryBlock& block = *placed.block;
  stored_bytes_ += block.stored_bytes();
  if (block.is_piece()) return commit_piece(placed);
  for (std::size_t i = 0; i < block.entry_count(); ++i) {
    const Bytes entry = block.entry(i);
    const auto kind = static_cast<IdKind>(entry[0]);
    const std::uint64_t offset = placed.offset + block.entry_start(i);
    TRY(add_to_index(known_id<ObjectId>(kind, entry.subspan(1, id_bytes(kind))), offset));
    if (!block.has_deltas()) continue;
    const EntryHeader header = TRY(decode_entry_header(entry));
    if (!header.is_delta()) continue;
    TRY(index_.add_base(header.base, offset));
    ++deltas_made_;
  }
  return deltas_ != nullptr ? deltas_->commit(block, placed.offset) : Result<void>();
}

Result<void> BlockPipeline::commit_piece(const PlacedBlock& placed) {
  const EntryBlock& block = *placed.block;
  if (block.piece_start()) payload_offset_ = placed.offset;
  if (!block.piece_end()) return {};
  TRY(add_to_index(block.piece_end()->id, payload_offset_));
  if (const auto& base = block.piece_end()->base) {
    TRY(index_.add_base(*base, payload_offset_));
    ++deltas_made_;
  }
  if (deltas_ == nullptr) return {};
  return deltas_->commit_large(payload_offset_, block.piece_end()->object_bytes);
}

Result<void> BlockPipeline::add_to_index(const ObjectId& id, std::uint64_t offset) {
  if (options_.keep_offsets) block_offsets_.push_back(offset);
  return index_.add(id, offset);
}

}  // namespace bale
