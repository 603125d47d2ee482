// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See the header. The index's own header is in the tree from the start, with a hole for the count;
// the bytes that are hashed later begin behind it.

#include "pack/build/index_writer.h"

#include <algorithm>
#include <cstring>

#include "base/endian.h"
#include "base/try.h"

namespace bale {

Result<IndexWriter> IndexWriter::create(File& file, Budget& budget, Lanes* lanes) {
  IndexWriter writer;
  writer.file_ = &file;
  writer.lanes_ = lanes;
  writer.buffer_ =
      TRY(Buffer::allocate(budget, kIndexWriteBufferBytes, "the index's write buffer"));
  writer.block_ = std::make_unique<Block>();
  const MutableBytes all = writer.buffer_.span();
  const std::size_t first = writer.in_background() ? all.size() / 2 : all.size();
  writer.filling_ = all.first(first);
  writer.other_ = all.subspan(first);
  const FileHeader header = encode_index_header(0);
  std::copy(header.begin(), header.end(), writer.filling_.begin());
  writer.filled_ = header.size();
  writer.tree_.update(Bytes(header).first(kCountPosition));
  writer.count_ = writer.tree_.reserve(header.size() - kCountPosition);
  return writer;
}

Result<void> IndexWriter::append(const SortRecord& record) {
  // The trailer will fit behind any record.
  if (filling_.size() - filled_ < kHashRecordBytes + kIndexTrailerBytes) TRY(hand_over());
  std::byte* to = filling_.data() + filled_;
  if (record[0] == static_cast<std::byte>(IdKind::kContentHash)) {
    std::memcpy(to, record.data(), kHashRecordBytes);
    filled_ += kHashRecordBytes;
  } else {
    static constexpr std::size_t kIdEnd = kChangeRecordBytes - 8;
    std::memcpy(to, record.data(), kIdEnd);
    std::memcpy(to + kIdEnd, record.data() + kHashRecordBytes - 8, 8);
    filled_ += kChangeRecordBytes;
  }
  return {};
}

Result<void> IndexWriter::hand_over() {
  TRY(take_back());
  const Bytes bytes = filling_.first(filled_);
  if (in_background()) {
    *block_ = {.file_offset = file_offset_, .bytes = bytes};
    task_.post(*lanes_, [block = block_.get(), file = file_]() -> Result<void> {
      const std::size_t known = block->file_offset == 0 ? kHeaderBytes : 0;
      block->span = BlakeSpan::of(block->file_offset + known, block->bytes.subspan(known));
      return file->write_at(block->file_offset, block->bytes);
    });
    std::swap(filling_, other_);
  } else {
    tree_.update(bytes.subspan(tree_.size() - file_offset_));
    TRY(file_->write_at(file_offset_, bytes));
  }
  file_offset_ += filled_;
  filled_ = 0;
  return {};
}

Result<void> IndexWriter::take_back() {
  TRY(task_.wait());
  if (block_->bytes.empty()) return {};
  tree_.update(block_->bytes.subspan(block_->bytes.size() - block_->span.size_bytes()),
               block_->span);
  block_->bytes = {};
  return {};
}

Result<std::uint64_t> IndexWriter::finish(std::uint64_t record_count, const Digest& pack_trailer) {
  TRY(take_back());
  std::array<std::byte, sizeof(std::uint64_t)> count{};
  store_be(count.data(), record_count);
  tree_.fill(count_, count);
  if (file_offset_ == 0) {
    std::copy(count.begin(), count.end(), filling_.data() + kCountPosition);
  } else {
    TRY(file_->write_at(kCountPosition, count));
  }
  const auto trailer = encode_index_trailer_start(pack_trailer);
  std::copy(trailer.begin(), trailer.end(), filling_.data() + filled_);
  filled_ += trailer.size();
  tree_.update(filling_.first(filled_).subspan(tree_.size() - file_offset_));
  const Digest checksum = tree_.finish();
  std::copy(checksum.begin(), checksum.end(), filling_.data() + filled_);
  filled_ += checksum.size();
  TRY(file_->write_at(file_offset_, filling_.first(filled_)));
  return file_offset_ + filled_;
}

}  // namespace bale
