// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Bytes are hashed when the buffer is written, or when a hole follows them: BLAKE3 is fastest on
// large pieces.

#include "format/hashed_writer.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/try.h"

namespace bale {

Result<HashedWriter> HashedWriter::create(File& file, std::uint64_t file_offset, Budget& budget,
                                          std::size_t buffer_bytes, std::string_view what) {
  HashedWriter writer;
  writer.file_ = &file;
  writer.file_offset_ = file_offset;
  writer.buffer_ = TRY(Buffer::allocate(budget, buffer_bytes, what));
  return writer;
}

void HashedWriter::hash_pending() {
  tree_.update(Bytes(buffer_.data() + hashed_, filled_ - hashed_));
  hashed_ = filled_;
}

Result<void> HashedWriter::append(Bytes bytes) {
  while (!bytes.empty()) {
    if (filled_ == buffer_.size()) TRY(flush());
    const std::size_t piece = std::min(bytes.size(), buffer_.size() - filled_);
    std::memcpy(buffer_.data() + filled_, bytes.data(), piece);
    filled_ += piece;
    bytes = bytes.subspan(piece);
  }
  return {};
}

Result<Hole> HashedWriter::reserve(std::size_t size) {
  if (buffer_.size() - filled_ < size) TRY(flush());
  hash_pending();
  const Hole hole = tree_.reserve(size);
  std::memset(buffer_.data() + filled_, 0, size);
  filled_ += size;
  hashed_ = filled_;
  return hole;
}

Result<void> HashedWriter::fill(const Hole& hole, Bytes bytes) {
  tree_.fill(hole, bytes);
  if (hole.offset >= buffer_position_) {
    std::memcpy(buffer_.data() + (hole.offset - buffer_position_), bytes.data(), bytes.size());
    return {};
  }
  return file_->write_at(file_offset_ + hole.offset, bytes);
}

Result<void> HashedWriter::flush() {
  hash_pending();
  TRY(file_->write_at(file_offset_ + buffer_position_, Bytes(buffer_.data(), filled_)));
  buffer_position_ += filled_;
  filled_ = 0;
  hashed_ = 0;
  return {};
}

Digest HashedWriter::digest() {
  hash_pending();
  return tree_.finish();
}

}  // namespace bale
