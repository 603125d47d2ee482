// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// BlakeSpan: a piece of a BlakeTree's stream, hashed in advance, so that several threads hash one
// pack:
//
//   BlakeSpan span = BlakeSpan::of(offset, block);   // on any thread, for as many as there are
//   tree.update(block, span);                        // on the tree's own, in stream order
//
// A span holds the subtrees of the chunks entirely within the piece. The tree still hashes the
// piece's head and tail, up to a chunk each, with the neighbouring bytes: about a microsecond a
// span on the tree's thread, so pieces should have 256 KiB or more.
//
// Memory: at most 96 * (2 * log2(n / 1024) + 1) bytes of heap for a piece of n bytes; 2 KiB for 1
// MiB. None of the piece's bytes are kept.

#pragma once

#include <cstdint>

#include "bale/bytes.h"
#include "hash/blake_frontier.h"

namespace bale {

/// Copyable. Thread-compatible; of() is thread-safe, and spans share nothing.
class BlakeSpan {
 public:
  /// An empty piece at the stream's first byte, to be assigned to.
  BlakeSpan() = default;

  /// Hashes the chunks entirely within `data`, which will be at `stream_offset` and has no holes.
  /// `data` is not used after the call. Any length is valid, even less than a chunk.
  [[nodiscard]] static BlakeSpan of(std::uint64_t stream_offset, Bytes data);

  /// The piece's offset in the stream.
  [[nodiscard]] std::uint64_t stream_offset() const { return stream_offset_; }

  /// The piece's length.
  [[nodiscard]] std::size_t size_bytes() const { return size_bytes_; }

 private:
  friend class BlakeTree;

  std::uint64_t stream_offset_ = 0;
  std::size_t size_bytes_ = 0;
  std::size_t head_bytes_ = 0;    // before the first whole chunk, if there is one
  std::size_t folded_bytes_ = 0;  // of whole chunks; at least one byte follows them
  BlakeFrontier chunks_;
};

}  // namespace bale
