// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A slot's memory:   | kept: the begin of an entry | block: bytes of the pack, as they were read |
//
// What is kept is copied from the end of the block before, which lanes may still be reading.

#include "pack/pack_scanner.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/try.h"
#include "pack/plain_header.h"

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
  for (std::size_t i = 0; i < options.block_count; ++i) {
    scanner.slots_[i].block_begin = scanner.buffer_.data() + kept_room(options) +
                                    i * (kept_room(options) + options.block_bytes);
  }
  scanner.options_ = std::make_unique<const PackScannerOptions>(std::move(options));
  TRY(scanner.next_block(0));
  scanner.position_ = kHeaderBytes;
  scanner.current().scanned.entries_begin = kHeaderBytes;
  return scanner;
}

// Reads the next block, up to the trailer, into the next slot; bytes from `keep_from` on stay in
// memory before it.
Result<void> PackScanner::next_block(std::uint64_t keep_from) {
  if (options_->operation->cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
  const std::uint64_t offset = block_end();
  const std::size_t kept = offset - keep_from;
  const std::byte* const from = at(keep_from);
  current_ = (current_ + 1) % options_->block_count;
  Slot& slot = current();
  TRY(take_back(slot));
  std::memmove(slot.block_begin - kept, from, kept);
  const std::size_t size = std::min(options_->block_bytes, pack_->entries_end() - offset);
  const MutableBytes block(slot.block_begin, size);
  TRY(pack_->read(offset, block));
  slot.block = block;
  slot.block_offset = offset;
  slot.scanned = {.offset = keep_from,
                  .bytes = {slot.block_begin - kept, kept + size},
                  .entries_begin = keep_from};
  options_->operation->progress({.phase = "checking the pack",
                                 .objects = entries_seen_,
                                 .objects_total = pack_->entry_count(),
                                 .bytes = offset + size,
                                 .bytes_total = pack_->file_bytes()});
  return {};
}

// The walk is through with the current block: lanes may begin.
void PackScanner::hand_over(std::uint64_t entries_end) {
  Slot& slot = current();
  slot.scanned.entries_end = entries_end;
  slot.handed_over = true;
  const std::size_t number = current_;
  slot.task.post(*options_->lanes, [&slot, number, options = options_.get()]() -> Result<void> {
    slot.span = BlakeSpan::of(slot.block_offset, slot.block);
    if (options->work) TRY(options->work(number, slot.scanned));
    return {};
  });
}

Result<void> PackScanner::take_back(Slot& slot) {
  if (!std::exchange(slot.handed_over, false)) return {};
  TRY(slot.task.wait());
  tree_.update(slot.block, slot.span);
  if (options_->collect) options_->collect(static_cast<std::size_t>(&slot - slots_.get()));
  return {};
}

Result<void> PackScanner::take_all_back() {
  for (std::size_t i = 1; i <= options_->block_count; ++i) {
    TRY(take_back(slots_[(current_ + i) % options_->block_count]));
  }
  return {};
}

// Goes to where the entry that was found last ends.
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
      return fail(ErrorCode::kCorrupt, "{}: {} bytes at offset {} belong to no entry",
                  pack_->path(), left, position_);
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
    return fail(ErrorCode::kCorrupt,
                "{}: the checksum at the end does not match what stands before it", pack_->path());
  }
  return {};
}

Result<void> PackScanner::check_rest() {
  hand_over(position_);
  while (block_end() < pack_->entries_end()) {
    TRY(next_block(block_end()));
    current().scanned.entries_begin = block_end();  // nobody knows where they begin
    hand_over(block_end());
  }
  TRY(take_all_back());
  return check_trailer();
}

}  // namespace bale
