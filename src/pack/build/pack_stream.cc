// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/build/pack_stream.h"

#include <array>
#include <utility>

#include "base/check.h"
#include "base/endian.h"
#include "base/try.h"

namespace bale {

Result<PackStream> PackStream::create(File& file, std::uint64_t file_offset,
                                      std::optional<std::uint64_t> declared_count) {
  PackStream stream(file, file_offset);
  const FileHeader header = encode_pack_header(declared_count.value_or(0));
  TRY(file.write_at(file_offset, header));
  if (declared_count) {
    stream.tree_.update(header);
  } else {
    stream.tree_.update(Bytes(header).first(kCountPosition));
    stream.count_hole_ = stream.tree_.reserve(sizeof(std::uint64_t));
  }
  stream.placed_bytes_ = header.size();
  return stream;
}

PlacedBlock PackStream::place(EntryBlock& block) {
  if (block.piece_start()) {
    placed_payload_bytes_ = 0;
    placed_size_is_open_ = block.piece_start()->stored_size_open;
  }
  if (block.is_piece()) {
    const std::size_t header_bytes = block.piece_start() ? block.piece_start()->header_bytes : 0;
    placed_payload_bytes_ += block.bytes().size() - header_bytes;
    // As long as the object, the frames would be read back as raw bytes.
    if (block.piece_end() && placed_size_is_open_ &&
        placed_payload_bytes_ == block.piece_end()->object_bytes) {
      block.append_empty_frame();
    }
  }
  PlacedBlock placed;
  placed.block = &block;
  placed.offset = placed_bytes_;
  placed_bytes_ += block.bytes().size();
  return placed;
}

Result<void> PackStream::write(PlacedBlock& placed) const {
  const Bytes bytes = placed.block->bytes();
  const auto& start = placed.block->piece_start();
  const std::size_t header_bytes = start ? start->header_bytes : 0;
  placed.span = BlakeSpan::of(placed.offset + header_bytes, bytes.subspan(header_bytes));
  return file_->write_at(file_offset_ + placed.offset, bytes);
}

Result<void> PackStream::commit(const PlacedBlock& placed) {
  Bytes bytes = placed.block->bytes();
  CHECK(placed.offset == tree_.size());
  if (const auto& start = placed.block->piece_start()) {
    const std::size_t id_end = 1 + id_bytes(start->kind);
    const std::size_t known_end =
        start->stored_size_open ? padded_size_position(start->header_bytes) : start->header_bytes;
    tree_.update(bytes.first(1));
    id_hole_ = tree_.reserve(id_end - 1);
    tree_.update(bytes.subspan(id_end, known_end - id_end));
    if (start->stored_size_open) size_hole_ = tree_.reserve(kMaxVarintBytes);
    payload_position_ = tree_.size();
    bytes = bytes.subspan(start->header_bytes);
  }
  tree_.update(bytes, placed.span);
  if (const auto& end = placed.block->piece_end()) {
    TRY(fill(*std::exchange(id_hole_, std::nullopt), end->id.bytes()));
    if (size_hole_) {
      TRY(fill(*std::exchange(size_hole_, std::nullopt),
               encode_padded_varint(tree_.size() - payload_position_)));
    }
  }
  return {};
}

Result<void> PackStream::fill(const Hole& hole, Bytes bytes) {
  tree_.fill(hole, bytes);
  return file_->write_at(file_offset_ + hole.offset, bytes);
}

std::uint64_t PackStream::stable_bytes() const {
  if (count_hole_) return 0;
  return id_hole_ ? id_hole_->offset : tree_.size();
}

Result<PackStream::Finished> PackStream::finish(std::uint64_t entry_count) {
  CHECK(tree_.size() == placed_bytes_ && !id_hole_.has_value());
  if (count_hole_) {
    std::array<std::byte, 8> count;
    store_be<std::uint64_t>(count.data(), entry_count);
    TRY(fill(*std::exchange(count_hole_, std::nullopt), count));
  }
  Finished finished;
  finished.trailer = tree_.finish();
  TRY(file_->write_at(file_offset_ + tree_.size(), finished.trailer));
  tree_.update(finished.trailer);
  finished.name = tree_.finish();
  finished.pack_bytes = tree_.size();
  return finished;
}

}  // namespace bale
