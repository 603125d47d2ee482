// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A slot's memory:   | kept: the begin of an entry | block: bytes of the pack, as they were read |
//
// The kept bytes are copied from the end of the previous block when the walk gets there; the block
// may have been read before that.

#include "pack/check/pack_scanner.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/counted.h"
#include "base/error.h"
#include "base/try.h"
#include "pack/read/plain_header.h"

namespace bale {
namespace {

// So that blocks begin on a page of memory.
constexpr std::size_t kAlignBytes = 4096;

std::size_t kept_room(const PackScannerOptions& options) {
  return (options.longest_kept_bytes + kAlignBytes - 1) / kAlignBytes * kAlignBytes;
}

}  // namespace

std::uint64_t PackScanner::memory_bytes(const PackScannerOptions& options) {
  return std::uint64_t{options.block_count} * (kept_room(options) + options.block_bytes);
}

Result<PackScanner> PackScanner::create(const PackBytes& pack, Budget& budget,
                                        PackScannerOptions options) {
  CHECK(options.lanes != nullptr && options.operation != nullptr);
  CHECK(options.block_bytes >= (64 << 10) && options.block_bytes % (64 << 10) == 0);
  CHECK(options.longest_kept_bytes >= kMaxEntryHeaderBytes &&
        options.longest_kept_bytes <= options.block_bytes);
  CHECK(options.block_count >= 1);
  PackScanner scanner;
  scanner.pack_ = &pack;
  scanner.buffer_ = TRY(Buffer::allocate(budget, memory_bytes(options), "reading a pack in order"));
  scanner.slots_ = std::make_unique<Slot[]>(options.block_count);
  scanner.block_count_ = (pack.entries_end() - 1) / options.block_bytes + 1;
  scanner.options_ = std::make_unique<const PackScannerOptions>(std::move(options));
  TRY(scanner.begin_block());
  scanner.position_ = kHeaderBytes;
  scanner.current().scanned.entries_begin = kHeaderBytes;
  return scanner;
}

std::byte* PackScanner::block_place(std::uint64_t block_number) {
  const std::size_t slot_bytes = kept_room(*options_) + options_->block_bytes;
  const std::size_t slot = block_number % options_->block_count;
  return buffer_.data() + slot * slot_bytes + kept_room(*options_);
}

// Starts reading and hashing a block on a lane. The old content of its slot is no longer needed.
Result<void> PackScanner::start_reading(std::uint64_t block_number) {
  if (options_->operation->cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
  Slot& slot = slot_of(block_number);
  TRY(take_back(slot));
  slot.block_offset = block_number * options_->block_bytes;
  slot.block = {block_place(block_number),
                std::min(options_->block_bytes, pack_->entries_end() - slot.block_offset)};
  slot.task.post(*options_->lanes, [&slot, pack = pack_]() -> Result<void> {
    TRY(pack->read(slot.block_offset, slot.block));
    slot.span = BlakeSpan::of(slot.block_offset, slot.block);
    return {};
  });
  return {};
}

// Starts as many as there are slots; half of them are for other work, if there is any.
Result<void> PackScanner::read_ahead() {
  const std::uint64_t others = options_->block_count - 1;
  const std::uint64_t ahead = options_->work ? (others + 1) / 2 : others;
  const std::uint64_t end = std::min(block_count_, block_number_ + 1 + ahead);
  for (; blocks_asked_ < end; ++blocks_asked_) TRY(start_reading(blocks_asked_));
  return {};
}

// Waits for the current block.
Result<void> PackScanner::begin_block() {
  TRY(read_ahead());
  Slot& slot = current();
  TRY(slot.task.wait());
  tree_.update(slot.block, slot.span);
  slot.scanned = {.offset = slot.block_offset, .bytes = slot.block};
  options_->operation->progress({.phase = "checking the pack",
                                 .objects = entries_seen_,
                                 .objects_total = pack_->entry_count(),
                                 .bytes = block_end(),
                                 .bytes_total = pack_->file_bytes()});
  return {};
}

// Goes to the next block; bytes from `keep_from` on stay in memory before it.
Result<void> PackScanner::next_block(std::uint64_t keep_from) {
  const std::size_t kept = block_end() - keep_from;
  const std::byte* const from = at(keep_from);
  TRY(take_back(slot_of(block_number_ + 1)));
  ++block_number_;
  // Before the block is read, if it will replace this one.
  std::byte* const to = block_place(block_number_) - kept;
  std::memcpy(to, from, kept);
  TRY(begin_block());
  current().scanned = {.offset = keep_from,
                       .bytes = {to, kept + current().block.size()},
                       .entries_begin = keep_from};
  return {};
}

// The walk has finished the current block: lanes may begin their work.
void PackScanner::hand_over(std::uint64_t entries_end) {
  if (!options_->work) return;
  Slot& slot = current();
  slot.scanned.entries_end = entries_end;
  slot.has_work = true;
  const std::size_t number = block_number_ % options_->block_count;
  slot.task.post(*options_->lanes, [&slot, number, options = options_.get()]() -> Result<void> {
    return options->work(number, slot.scanned);
  });
}

Result<void> PackScanner::take_back(Slot& slot) {
  if (!std::exchange(slot.has_work, false)) return {};
  TRY(slot.task.wait());
  if (options_->collect) options_->collect(static_cast<std::size_t>(&slot - slots_.get()));
  return {};
}

// The oldest first.
Result<void> PackScanner::take_all_back() {
  for (std::uint64_t i = 1; i <= options_->block_count; ++i) {
    TRY(take_back(slot_of(block_number_ + i)));
  }
  return {};
}

// Moves to the end of the last entry found.
Result<void> PackScanner::skip_payload() {
  const std::uint64_t entry_bytes = entry_.header.header_bytes + entry_.header.stored_size;
  position_ = entry_.offset + entry_bytes;
  const bool keep = entry_bytes <= options_->longest_kept_bytes;
  while (position_ > block_end()) {
    hand_over(entry_.offset);
    TRY(next_block(keep ? entry_.offset : block_end()));
    ScannedBlock& block = current().scanned;
    block.entries_begin = keep ? entry_.offset : position_;
    block.any_compressed = keep && is_compressed_object(entry_.header);
  }
  return {};
}

Result<const ScannedEntry*> PackScanner::next() {
  if (entries_seen_ > 0) TRY(skip_payload());
  const std::uint64_t left = pack_->entries_end() - position_;
  if (entries_seen_ == pack_->entry_count()) {
    hand_over(position_);
    TRY(take_all_back());
    if (left > 0) {
      return fail(ErrorCode::kCorrupt, "{}: no entry has the {} at offset {}", pack_->path(),
                  counted(left, "byte"), position_);
    }
    TRY(check_trailer());
    return nullptr;
  }
  const std::size_t wanted = std::min(left, kMaxEntryHeaderBytes);
  if (block_end() - position_ < wanted) {
    hand_over(position_);
    TRY(next_block(position_));
  }
  EntryHeader& header = entry_.header;
  entry_.offset = position_;
  const std::byte* const start = at(position_);
  if (wanted < kMaxEntryHeaderBytes || !read_plain_header(start, header)) {
    const Result<EntryHeader> decoded = decode_entry_header({start, wanted});
    if (!decoded) {
      return fail(ErrorCode::kCorrupt, "{}: entry at offset {}: {}", pack_->path(), position_,
                  decoded.error().message);
    }
    header = *decoded;
  }
  if (header.stored_size > left - header.header_bytes) {
    return fail(ErrorCode::kCorrupt,
                "{}: entry at offset {}: its payload runs past the pack's trailer", pack_->path(),
                position_);
  }
  ++entries_seen_;
  if (is_compressed_object(header)) current().scanned.any_compressed = true;
  return &entry_;
}

Result<void> PackScanner::check_trailer() {
  if (tree_.finish() != pack_->trailer()) {
    return fail(ErrorCode::kCorrupt, "{}: the checksum at the end does not match the content",
                pack_->path());
  }
  return {};
}

Result<void> PackScanner::check_rest() {
  hand_over(position_);
  while (block_number_ + 1 < block_count_) {
    TRY(next_block(block_end()));
    current().scanned.entries_begin = block_end();  // their begin is unknown
    hand_over(block_end());
  }
  TRY(take_all_back());
  return check_trailer();
}

}  // namespace bale
