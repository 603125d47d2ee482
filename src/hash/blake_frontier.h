// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// BlakeFrontier: the row of subtrees that the chunks of a BLAKE3 stream have been folded to so far,
// some of whose chunks may not be known yet. The lower half of BlakeTree (see the essay atop
// blake_tree.cc): it knows chunks and chaining values, not bytes, holes or buffers.
//
// Every chunk that is pushed must be followed by at least one more byte in the stream, so that no
// subtree in the row can be the root, and two that fit can be merged at once.
//
// Copyable. Thread-compatible. Memory: 48 bytes a subtree; with P pending chunks among C, the row
// has at most (P + 1) * (log2(C) + 1) of them (without pending ones exactly popcount(C)).

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "hash/blake_kernels.h"

namespace bale {

class BlakeFrontier {
 public:
  /// The most chunks that one push_chunks() takes.
  static constexpr std::size_t kMaxRunChunks = 128;

  /// Folds the next `chunks`, 1024 bytes each, anywhere in memory; keeps none of the pointers.
  void push_chunks(std::span<const std::byte* const> chunks);

  /// Leaves a place for the next chunk.
  void push_pending();

  /// Gives a pending chunk its chaining value, and merges what that makes possible. Costs
  /// O(subtrees in the row). A chunk that is not pending stops the program.
  void resolve(std::uint64_t chunk_number, const ChainingValue& value);

  /// The hash of the stream whose one and last chunk after those in the row has this value.
  /// Requires that the row is not empty and nothing in it is pending.
  [[nodiscard]] ChainingValue root(const ChainingValue& last_chunk) const;

  /// How many chunks were pushed, pending ones included.
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
