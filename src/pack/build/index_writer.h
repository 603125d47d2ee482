// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// IndexWriter: records in, an index file out (doc/FORMAT.md, section 2), hashed on the way. The
// count and the trailer come last.
//
// With lanes, one half of the buffer is hashed and written by a lane while the other is filled.
// Memory: kIndexWriteBufferBytes, charged, and a BlakeTree's few KiB. Not thread-safe. After an
// error it may only be destroyed, which waits for a lane that still writes.

#pragma once

#include <cstdint>
#include <memory>

#include "bale/file_system.h"
#include "bale/result.h"
#include "base/budget.h"
#include "base/lane_task.h"
#include "base/lanes.h"
#include "format/container.h"
#include "hash/blake_tree.h"

namespace bale {

inline constexpr std::size_t kIndexWriteBufferBytes = 256 << 10;

class IndexWriter {
 public:
  /// Writes to `file` from its first byte; neither syncs nor truncates it. `file` and `lanes`
  /// (which may be null) must outlive the writer.
  [[nodiscard]] static Result<IndexWriter> create(File& file, Budget& budget, Lanes* lanes);

  IndexWriter(IndexWriter&&) noexcept = default;
  IndexWriter& operator=(IndexWriter&&) noexcept = delete;

  /// The next record, in order.
  Result<void> append(const SortRecord& record);

  /// Ends the index of the pack with this trailer; returns its size.
  Result<std::uint64_t> finish(std::uint64_t record_count, const Digest& pack_trailer);

 private:
  // A full half of the buffer on its way to the file. The lane makes the span.
  struct Block {
    std::uint64_t file_offset = 0;
    Bytes bytes;
    BlakeSpan span;
  };

  IndexWriter() = default;

  [[nodiscard]] bool in_background() const { return lanes_ != nullptr && lanes_->count() > 1; }

  Result<void> hand_over();
  Result<void> take_back();

  File* file_ = nullptr;
  Lanes* lanes_ = nullptr;
  Buffer buffer_;
  MutableBytes filling_;           // all of the buffer, or one half
  MutableBytes other_;             // the other half
  std::size_t filled_ = 0;         // bytes of `filling_`
  std::uint64_t file_offset_ = 0;  // of its first byte
  BlakeTree tree_;                 // of what was taken back
  Hole count_;
  std::unique_ptr<Block> block_;  // on the heap: the writer may move
  LaneTask task_;                 // the last member: it ends before the others go
};

}  // namespace bale
