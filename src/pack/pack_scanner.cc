// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/pack_scanner.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/try.h"

namespace bale {

Result<PackScanner> PackScanner::create(const PackBytes& pack, Budget& budget,
                                        const Operation& operation) {
  PackScanner scanner;
  scanner.pack_ = &pack;
  scanner.operation_ = &operation;
  scanner.buffer_ = TRY(Buffer::allocate(budget, kScanBufferBytes, "reading a pack in order"));
  TRY(scanner.advance(kHeaderBytes));
  return scanner;
}

// Moves what is not used yet to the front and reads on, up to the trailer.
Result<void> PackScanner::fill() {
  if (operation_->cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
  const std::size_t used = position_ - buffer_offset_;
  const std::size_t kept = buffer_size_ - used;
  std::memmove(buffer_.data(), buffer_.data() + used, kept);
  buffer_offset_ = position_;
  const std::uint64_t read_offset = buffer_offset_ + kept;
  const std::size_t wanted = std::min(buffer_.size() - kept, pack_->entries_end() - read_offset);
  const MutableBytes fresh = buffer_.span().subspan(kept, wanted);
  buffer_size_ = kept;
  TRY(pack_->read(read_offset, fresh));
  hasher_.update(fresh);
  buffer_size_ = kept + wanted;
  operation_->progress({.phase = "checking the pack",
                        .objects = entries_seen_,
                        .objects_total = pack_->entry_count(),
                        .bytes = read_offset + wanted,
                        .bytes_total = pack_->file_bytes()});
  return {};
}

Result<void> PackScanner::advance(std::uint64_t bytes) {
  while (bytes > 0) {
    if (position_ == buffer_offset_ + buffer_size_) TRY(fill());
    const std::uint64_t step = std::min(bytes, buffer_offset_ + buffer_size_ - position_);
    position_ += step;
    bytes -= step;
  }
  return {};
}

Result<const ScannedEntry*> PackScanner::next() {
  if (entries_seen_ > 0) {
    TRY(advance(entry_.offset + entry_.header.header_bytes + entry_.header.stored_size -
                position_));
  }
  if (entries_seen_ == pack_->entry_count()) {
    if (position_ != pack_->entries_end()) {
      return fail(ErrorCode::kCorrupt, "{}: {} bytes at offset {} belong to no entry",
                  pack_->path(), pack_->entries_end() - position_, position_);
    }
    TRY(check_trailer());
    return nullptr;
  }
  const std::uint64_t left = pack_->entries_end() - position_;
  const std::size_t wanted = std::min(left, kMaxEntryHeaderBytes);
  if (buffer_offset_ + buffer_size_ - position_ < wanted) TRY(fill());
  const Bytes start = Bytes(buffer_.data() + (position_ - buffer_offset_), wanted);
  Result<EntryHeader> header = decode_entry_header(start);
  if (!header) {
    return fail(ErrorCode::kCorrupt, "{}: entry at offset {}: {}", pack_->path(), position_,
                header.error().message);
  }
  if (header->stored_size > left - header->header_bytes) {
    return fail(ErrorCode::kCorrupt,
                "{}: entry at offset {}: its payload runs past the pack's trailer", pack_->path(),
                position_);
  }
  entry_ = {position_, *header};
  ++entries_seen_;
  return &entry_;
}

Result<void> PackScanner::check_trailer() {
  if (hasher_.finish() != pack_->trailer()) {
    return fail(ErrorCode::kCorrupt,
                "{}: the checksum at the end does not match what stands before it", pack_->path());
  }
  return {};
}

Result<void> PackScanner::check_rest() {
  position_ = buffer_offset_ + buffer_size_;
  TRY(advance(pack_->entries_end() - position_));
  return check_trailer();
}

}  // namespace bale
