// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// BlakeSpan: a piece of a BlakeTree's stream, hashed before the tree gets there. So the stream of
// one pack is hashed by several threads:
//
//   BlakeSpan span = BlakeSpan::of(offset, block);   // on any thread, for as many as there are
//   tree.update(block, span);                        // on the tree's own, in stream order
//
// A span holds the subtrees of the chunks that lie whole within the piece. The tree still takes the
// bytes before and after these, the piece's head and tail, up to a chunk each, and hashes them with
// what stands on their other side: about a microsecond a span on the tree's thread, so pieces of
// 256 KiB or more are worth it.
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
  /// An empty piece at the stream's first byte: something to assign a real one to.
  BlakeSpan() = default;

  /// Hashes the chunks that lie whole within `data`, which will stand at `stream_offset` and has no
  /// holes. `data` is not used after the call. Any piece will do, also one too short for a chunk.
  [[nodiscard]] static BlakeSpan of(std::uint64_t stream_offset, Bytes data);

  /// Where the piece stands in the stream.
  [[nodiscard]] std::uint64_t stream_offset() const { return stream_offset_; }

  /// How long the piece is.
  [[nodiscard]] std::size_t size_bytes() const { return size_bytes_; }

 private:
  friend class BlakeTree;

  std::uint64_t stream_offset_ = 0;
  std::size_t size_bytes_ = 0;
  std::size_t head_bytes_ = 0;    // before the first whole chunk; meaningless if there is none
  std::size_t folded_bytes_ = 0;  // of whole chunks; at least one byte follows them
  BlakeFrontier chunks_;
};

}  // namespace bale
