// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// HashedWriter: appends to a file and hashes the bytes as well, so that no file needs to be read
// again to compute its checksum. Numbers known only later (the header's count, the stored size of a
// streamed payload) are left as holes and filled in.
//
// Writes are as large as the buffer. Memory: `buffer_bytes`, charged, and the BlakeTree's few KiB.
// Not thread-safe. The File must outlive the writer.

#pragma once

#include <cstdint>
#include <string_view>

#include "bale/file_system.h"
#include "bale/result.h"
#include "base/budget.h"
#include "format/container.h"
#include "hash/blake_tree.h"

namespace bale {

class HashedWriter {
 public:
  /// Positions count from `file_offset`, where the first byte goes.
  [[nodiscard]] static Result<HashedWriter> create(File& file, std::uint64_t file_offset,
                                                   Budget& budget, std::size_t buffer_bytes,
                                                   std::string_view what);

  Result<void> append(Bytes bytes);

  /// Leaves `size` bytes (1..64) to be filled in. They read as zeros until then.
  Result<Hole> reserve(std::size_t size);

  Result<void> fill(const Hole& hole, Bytes bytes);

  /// Writes all buffered bytes to the file.
  Result<void> flush();

  /// The number of bytes appended or reserved so far.
  [[nodiscard]] std::uint64_t position() const { return buffer_position_ + filled_; }

  /// BLAKE3 of everything so far; more may follow. Requires that no hole is open.
  [[nodiscard]] Digest digest();

 private:
  HashedWriter() = default;

  void hash_pending();

  File* file_ = nullptr;
  std::uint64_t file_offset_ = 0;
  Buffer buffer_;
  std::uint64_t buffer_position_ = 0;  // of the buffer's first byte
  std::size_t filled_ = 0;             // bytes in the buffer
  std::size_t hashed_ = 0;             // of them given to the tree
  BlakeTree tree_;
};

}  // namespace bale
