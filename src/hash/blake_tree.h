// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// BlakeTree: BLAKE3 of a sequential byte stream with holes that the caller fills later. So a pack
// is hashed while it is written, although its header holds a count that is known last.
//
//   BlakeTree tree;
//   tree.update(magic);
//   const Hole count = tree.reserve(8);
//   tree.update(entries);                 // any number of times
//   tree.fill(count, count_bytes);
//   const Blake3Hash trailer = tree.finish();
//   tree.update(trailer);                 // and on: the pack's name is the hash of all of it
//   const Blake3Hash name = tree.finish();
//
// Movable, not copyable; a moved-from tree may only be destroyed. Thread-compatible; other threads
// may hash pieces of the stream in advance (blake_span.h). Nothing fails: a misused hole is a bug
// and ends the program.
//
// Memory, for n bytes of stream and h open holes, at most
//
//   33 KiB + 2 * 1152 * h + 96 * (2 * h + 1) * (log2(n / 1024) + 2)
//
// bytes: the stage and the tree itself; two chunks for a hole that spans them; the row of subtrees
// (blake_frontier.h; 48 bytes each, twice for the vector's growth). One open hole and 1 TiB: 45
// KiB.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "bale/bytes.h"
#include "hash/blake3.h"
#include "hash/blake_frontier.h"
#include "hash/blake_span.h"

namespace bale {

/// Bytes of the stream that are still unknown.
struct Hole {
  std::uint64_t offset = 0;  ///< from the stream's first byte
  std::size_t bytes = 0;     ///< 1 to BlakeTree::kMaxHoleBytes
};

class BlakeTree {
 public:
  static constexpr std::size_t kMaxHoleBytes = 64;

  /// Small updates are gathered up to this size before they are hashed.
  static constexpr std::size_t kStageBytes = 32 * kBlakeChunkBytes;

  BlakeTree();
  BlakeTree(BlakeTree&&) noexcept = default;
  BlakeTree& operator=(BlakeTree&&) noexcept = default;
  ~BlakeTree() = default;

  /// The next bytes. `data` is not used after the call.
  void update(Bytes data);

  /// The same for a piece whose chunks are hashed already. Requires that `span` is
  /// BlakeSpan::of(size(), data), from any thread: another offset or length ends the program, other
  /// bytes give another hash. Hashes two chunks and the staged bytes, whatever the piece's size.
  void update(Bytes data, const BlakeSpan& span);

  /// Appends a hole. Requires 1 <= bytes <= kMaxHoleBytes.
  [[nodiscard]] Hole reserve(std::size_t bytes);

  /// Fills a hole of this tree with exactly its number of bytes, once; holes in any order. Costs
  /// O(open holes * log n).
  void fill(const Hole& hole, Bytes data);

  /// The hash of everything so far; more may follow. Requires open_holes() == 0.
  [[nodiscard]] Blake3Hash finish() const;

  /// The stream's length, holes included.
  [[nodiscard]] std::uint64_t size() const { return size_; }

  [[nodiscard]] std::size_t open_holes() const { return holes_.size(); }

  /// The size of the tree with its heap, without the allocator's overhead.
  [[nodiscard]] std::size_t memory_bytes() const;

 private:
  // A folded chunk with an open hole.
  struct PendingChunk {
    std::size_t open_holes = 0;
    std::array<std::byte, kBlakeChunkBytes> bytes{};
  };

  [[nodiscard]] std::uint64_t stage_offset() const {
    return frontier_.chunk_count() * kBlakeChunkBytes;
  }

  [[nodiscard]] std::size_t staged_bytes() const { return size_ - stage_offset(); }

  void fold_stage(std::size_t chunk_count, Bytes caller_chunks);
  [[nodiscard]] std::size_t open_holes_in_chunk(std::uint64_t chunk_number) const;
  void keep_pending(const std::byte* chunk, std::size_t open_holes);
  void fill_pending(std::uint64_t chunk_number, std::size_t offset_in_chunk, Bytes data);

  BlakeFrontier frontier_;              // the chunks before the stage
  std::unique_ptr<std::byte[]> stage_;  // kStageBytes, the first staged_bytes() of them in use
  std::uint64_t size_ = 0;
  std::vector<Hole> holes_;                        // the open ones, by offset
  std::map<std::uint64_t, PendingChunk> pending_;  // by chunk number
};

}  // namespace bale
