// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/build/entry_block.h"

#include <array>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/endian.h"
#include "codec/zstd.h"

namespace bale {
namespace {

constexpr std::size_t kStartBytes = sizeof(std::uint32_t);
constexpr std::size_t kStartsBytes = EntryBlock::kMaxEntries * kStartBytes;
// For the deltas of the largest object: most are much smaller. Others find room beside it.
constexpr std::size_t kProgramRoomBytes = 64 << 10;

constexpr std::uint32_t kCompressFlag = std::uint32_t{1} << 31;

}  // namespace

std::size_t EntryBlock::buffer_bytes(bool with_search) {
  // A header, a frame of content that did not shrink, and the frame that tells it from raw bytes.
  return kMaxEntryHeaderBytes + Compressor::bound(kFrameBytes) + kEmptySkippableFrame.size() +
         kStartsBytes + (with_search ? kProgramRoomBytes : 0);
}

void EntryBlock::clear() {
  *this = EntryBlock(buffer_, search_);
}

bool EntryBlock::has_room(std::uint64_t payload_bytes) const {
  if (bytes_ == 0) return payload_bytes <= kFrameBytes;
  return !is_piece_ && entry_count_ < most_entries() &&
         bytes_ + kMaxEntryHeaderBytes + payload_bytes <= kFullBytes;
}

std::byte* EntryBlock::start_slot(std::size_t number) const {
  return buffer_.data() + (buffer_.size() - (number + 1) * kStartBytes);
}

void EntryBlock::add_start(Treatment treatment) {
  const bool compress = treatment == Treatment::kTryToCompress;
  store_le(start_slot(entry_count_),
           static_cast<std::uint32_t>(bytes_) | (compress ? kCompressFlag : 0));
  ++entry_count_;
  wants_compression_ = wants_compression_ || compress;
}

std::size_t EntryBlock::entry_start(std::size_t number) const {
  return load_le<std::uint32_t>(start_slot(number)) & ~kCompressFlag;
}

EntryBlock::Treatment EntryBlock::treatment(std::size_t number) const {
  const bool compress = (load_le<std::uint32_t>(start_slot(number)) & kCompressFlag) != 0;
  return compress ? Treatment::kTryToCompress : Treatment::kAsItIs;
}

Bytes EntryBlock::entry(std::size_t number) const {
  const std::size_t end = number + 1 == entry_count_ ? bytes_ : entry_start(number + 1);
  const std::size_t start = entry_start(number);
  return bytes().subspan(start, end - start);
}

MutableBytes EntryBlock::append_open(const EntryHeader& header, Treatment treatment) {
  add_start(treatment);
  const std::size_t header_bytes =
      encode_entry_header(header, StoredSizeForm::kShortest, buffer_.data() + bytes_);
  const MutableBytes payload = buffer_.subspan(bytes_ + header_bytes, header.stored_size);
  header_bytes_of_last_ = header_bytes;
  bytes_ += header_bytes + payload.size();
  stored_bytes_ += payload.size();
  has_deltas_ = has_deltas_ || header.is_delta();
  if (search_ != nullptr) set_last_hints({});
  return payload;
}

void EntryBlock::set_last_hints(const EntryHints& hints) {
  search_->entries[entry_count_ - 1].hints = hints;
}

std::optional<Bytes> EntryBlock::keep_program(Bytes program) {
  const MutableBytes room = free_bytes().subspan(program_bytes_);
  if (program.size() > room.size()) return std::nullopt;
  std::memcpy(room.data(), program.data(), program.size());
  program_bytes_ += program.size();
  return room.first(program.size());
}

EntryBlock::Payload EntryBlock::payload(std::size_t number) const {
  const Bytes bytes = entry(number);
  const Result<EntryHeader> header = decode_entry_header(bytes);
  CHECK(header.has_value() && !header->is_delta());
  return {.id = header->id,
          .type = header->object_type(),
          .at = entry_start(number) + header->header_bytes,
          .bytes = bytes.subspan(header->header_bytes)};
}

void EntryBlock::append(const EntryHeader& header, Bytes payload, Treatment treatment) {
  const MutableBytes to = append_open(header, treatment);
  if (!payload.empty()) std::memcpy(to.data(), payload.data(), payload.size());
}

void EntryBlock::set_last_id(const ObjectId& id) {
  std::byte* entry = buffer_.data() + entry_start(entry_count_ - 1);
  CHECK(entry[0] == static_cast<std::byte>(id.kind()));
  std::memcpy(entry + 1, id.bytes().data(), id.bytes().size());
}

MutableBytes EntryBlock::move_last_entry(EntryBlock& other) {
  const std::size_t last = entry_count_ - 1;
  const Bytes moved = entry(last);
  const std::size_t payload_bytes = moved.size() - header_bytes_of_last_;
  other.add_start(treatment(last));
  std::memcpy(other.buffer_.data(), moved.data(), moved.size());
  other.bytes_ = moved.size();
  other.stored_bytes_ = payload_bytes;
  other.has_deltas_ = has_deltas_;
  other.header_bytes_of_last_ = header_bytes_of_last_;
  bytes_ -= moved.size();
  stored_bytes_ -= payload_bytes;
  --entry_count_;
  return other.buffer_.subspan(header_bytes_of_last_, payload_bytes);
}

void EntryBlock::begin_payload(const EntryHeader& header, StoredSizeForm stored_size_form) {
  const bool size_is_open = stored_size_form == StoredSizeForm::kPadded;
  CHECK(bytes_ == 0 && !(size_is_open && header.is_delta()));
  EntryHeader known = header;
  if (size_is_open) known.stored_size = 0;
  bytes_ = encode_entry_header(known, stored_size_form, buffer_.data());
  is_piece_ = true;
  piece_start_ = {
      .kind = header.id.kind(), .header_bytes = bytes_, .stored_size_open = size_is_open};
}

void EntryBlock::end_payload(const EntryHeader& header) {
  piece_end_ = {.id = header.id,
                .object_bytes = header.size,
                .base = header.is_delta() ? std::optional(header.base) : std::nullopt};
}

std::size_t EntryBlock::piece_room() const {
  return kFrameBytes - stored_bytes_;
}

void EntryBlock::append_piece(Bytes bytes) {
  CHECK(bytes.size() <= piece_room());
  std::memcpy(buffer_.data() + bytes_, bytes.data(), bytes.size());
  bytes_ += bytes.size();
  stored_bytes_ += bytes.size();
}

void EntryBlock::append_empty_frame() {
  std::memcpy(buffer_.data() + bytes_, kEmptySkippableFrame.data(), kEmptySkippableFrame.size());
  bytes_ += kEmptySkippableFrame.size();
  stored_bytes_ += kEmptySkippableFrame.size();
}

void EntryBlock::begin_encoding(EntryBlock& from) {
  CHECK(bytes_ == 0 && entry_count_ == 0);
  std::swap(search_, from.search_);
  stored_bytes_ = from.stored_bytes_;
  has_deltas_ = from.has_deltas_;
  is_piece_ = from.is_piece_;
  piece_start_ = from.piece_start_;
  piece_end_ = from.piece_end_;
  if (!piece_start_) return;
  bytes_ = piece_start_->header_bytes;
  std::memcpy(buffer_.data(), from.buffer_.data(), bytes_);
}

void EntryBlock::copy_entries(const EntryBlock& from, std::size_t first, std::size_t last) {
  if (first == last) return;
  const std::size_t begin = from.entry_start(first);
  const std::size_t end = last == from.entry_count_ ? from.bytes_ : from.entry_start(last);
  std::memcpy(buffer_.data() + bytes_, from.buffer_.data() + begin, end - begin);
  const std::size_t copied_to = bytes_;
  for (std::size_t i = first; i < last; ++i) {
    bytes_ = copied_to + (from.entry_start(i) - begin);
    add_start(Treatment::kAsItIs);
  }
  bytes_ = copied_to + (end - begin);
}

MutableBytes EntryBlock::free_bytes() {
  return buffer_.subspan(bytes_, buffer_.size() - kStartsBytes - bytes_);
}

void EntryBlock::add_encoded_entry(std::size_t entry_bytes, std::int64_t saved_bytes) {
  add_start(Treatment::kAsItIs);
  add_encoded_piece(entry_bytes, saved_bytes);
}

void EntryBlock::add_encoded_piece(std::size_t stored_bytes, std::int64_t saved_bytes) {
  bytes_ += stored_bytes;
  stored_bytes_ -= static_cast<std::uint64_t>(saved_bytes);
}

}  // namespace bale
