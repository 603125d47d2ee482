// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// BlakeFrontier: the row of subtrees folded so far from the chunks of a BLAKE3 stream, some of
// which may still be unknown. The lower half of BlakeTree (see the essay atop blake_tree.cc): it
// handles chunks and chaining values, not bytes, holes or buffers.
//
// Two matching subtrees are merged one push late: the last one pushed waits for the next. So the
// stream may end at any push: with two chunks or more, no subtree in the row is the root.
//
// A row may also start in the middle of the stream: it is folded separately, on any thread, and
// appended to the earlier row later.
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
  /// The most chunks of one push_chunks().
  static constexpr std::size_t kMaxRunChunks = 128;

  BlakeFrontier() = default;

  /// A row whose first chunk has this number in the stream.
  explicit BlakeFrontier(std::uint64_t first_chunk) : chunk_count_(first_chunk) {}

  /// Folds the next `chunks`, 1024 bytes each, anywhere in memory; keeps none of the pointers.
  void push_chunks(std::span<const std::byte* const> chunks);

  /// Folds the next chunks, which are contiguous: any number, all of them whole.
  void push_chunks(Bytes chunks);

  /// Appends a row that starts where this one ends. Costs O(subtrees in `next`). A row that starts
  /// anywhere else, or has pending chunks, ends the program.
  void append(const BlakeFrontier& next);

  /// Reserves the place of the next chunk.
  void push_pending();

  /// Gives a pending chunk its chaining value, and merges the subtrees that are then complete.
  /// Costs O(subtrees in the row). A chunk that is not pending ends the program.
  void resolve(std::uint64_t chunk_number, const ChainingValue& value);

  /// Folds the stream's last chunk, which may be short. Only root() may follow.
  void push_last_chunk(Bytes chunk);

  /// The hash of the stream that ends with the row. Requires two chunks or more, none of them
  /// pending.
  [[nodiscard]] ChainingValue root() const;

  /// The number of the next chunk: those before the row plus those pushed, pending ones included.
  [[nodiscard]] std::uint64_t chunk_count() const { return chunk_count_; }

  [[nodiscard]] std::size_t subtree_count() const { return row_.size(); }

  /// The row's heap bytes.
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
