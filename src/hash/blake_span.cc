// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A chunk's place in the tree depends only on its number, so a piece of the stream folds to the
// same subtrees on any thread. The piece's last byte is always excluded: a stream of one chunk must
// be in the tree's stage, as bytes, when it ends.
#include "hash/blake_span.h"

namespace bale {

BlakeSpan BlakeSpan::of(std::uint64_t stream_offset, Bytes data) {
  BlakeSpan span;
  span.stream_offset_ = stream_offset;
  span.size_bytes_ = data.size();
  span.head_bytes_ = (kBlakeChunkBytes - stream_offset % kBlakeChunkBytes) % kBlakeChunkBytes;
  if (data.size() <= span.head_bytes_ + kBlakeChunkBytes) return span;
  const std::size_t foldable_bytes = data.size() - span.head_bytes_ - 1;
  span.folded_bytes_ = foldable_bytes - foldable_bytes % kBlakeChunkBytes;
  detect_blake3_cpu();
  span.chunks_ = BlakeFrontier((stream_offset + span.head_bytes_) / kBlakeChunkBytes);
  span.chunks_.push_chunks(data.subspan(span.head_bytes_, span.folded_bytes_));
  return span;
}

}  // namespace bale
