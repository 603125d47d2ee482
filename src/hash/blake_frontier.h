// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// BlakeFrontier: the row of subtrees that the chunks of a BLAKE3 stream have been folded to so far,
// some of whose chunks may not be known yet. The lower half of BlakeTree (see the essay atop
// blake_tree.cc): it knows chunks and chaining values, not bytes, holes or buffers.
//
// Two subtrees that fit are merged one push late: the last one pushed stays as it is until another
// comes. So the row may be all there is to the stream: no subtree in it can be the root, as long as
// there are two chunks.
//
// A row may also start in the middle of the stream: then it is folded apart from what comes before,
// on another thread if need be, and appended to it later.
//
// Copyable. Thread-compatible. Memory: 48 bytes a subtree; with P pending chunks among C, the row
// has at most (P + 1) * (log2(C) + 1) of them (without pending ones popcount(C) or one more), and
// at most 2 * log2(C) + 1 if it starts in the middle.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bale/bytes.h"
#include "hash/blake_kernels.h"

namespace bale {

class BlakeFrontier {
 public:
  /// The most chunks that one push_chunks() takes.
  static constexpr std::size_t kMaxRunChunks = 128;

  BlakeFrontier() = default;

  /// A row whose first chunk has this number in the stream.
  explicit BlakeFrontier(std::uint64_t first_chunk) : chunk_count_(first_chunk) {}

  /// Folds the next `chunks`, 1024 bytes each, anywhere in memory; keeps none of the pointers.
  void push_chunks(std::span<const std::byte* const> chunks);

  /// Folds the next chunks, which lie side by side: any number of them, all of them whole.
  void push_chunks(Bytes chunks);

  /// Goes on with a row that starts where this one ends. Costs O(subtrees in `next`). A row that
  /// starts anywhere else, or has pending chunks, stops the program.
  void append(const BlakeFrontier& next);

  /// Leaves a place for the next chunk.
  void push_pending();

  /// Gives a pending chunk its chaining value, and merges what that makes possible. Costs
  /// O(subtrees in the row). A chunk that is not pending stops the program.
  void resolve(std::uint64_t chunk_number, const ChainingValue& value);

  /// Folds the stream's last chunk, which may be short. Only root() may follow.
  void push_last_chunk(Bytes chunk);

  /// The hash of the stream that ends with the row. Requires two chunks or more, none of them
  /// pending.
  [[nodiscard]] ChainingValue root() const;

  /// The number of the next chunk: how many were pushed, pending ones included, and how many stand
  /// before the row.
  [[nodiscard]] std::uint64_t chunk_count() const { return chunk_count_; }

  [[nodiscard]] std::size_t subtree_count() const { return row_.size(); }

  /// What the row takes on the heap.
  [[nodiscard]] std::size_t heap_bytes() const { return row_.capacity() * sizeof(Subtree); }

 private:
  // Chunks [first_chunk, first_chunk + 2^level); first_chunk is a multiple of 2^level.
  struct Subtree {
    std::uint64_t first_chunk = 0;
    std::uint8_t level = 0;
    bool pending = false;  // then level is 0 and the value means nothing
    ChainingValue value{};

    [[nodiscard]] bool is_left_child() const { return (first_chunk >> level) % 2 == 0; }
  };

  static bool can_merge(const Subtree& left, const Subtree& right);
  static Subtree merged(const Subtree& left, const Subtree& right);
  void push(const Subtree& subtree);

  std::vector<Subtree> row_;  // in stream order, without gaps
  std::uint64_t chunk_count_ = 0;
};

}  // namespace bale
