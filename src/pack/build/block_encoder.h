// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// BlockEncoder: makes of a block of raw entries one in which they are compressed where that helps,
// or stand as the deltas that were found for them where that helps more. What one lane of the build
// pipeline has for itself: a compression context. It knows nothing of files or of other lanes, and
// what it makes of an entry depends on that entry and its delta alone.
//
// Small payloads, and those that do not shrink, are stored raw. A compressed payload as long as the
// object would be read back as raw bytes (the format tells the two apart by length alone), so only
// what is strictly shorter is kept. Payloads above one frame (1 MiB) come in pieces, each of which
// becomes one frame: the same memory for any size, and any lane can do any.
//
// Memory: memory_bytes(level), charged. Not thread-safe.

#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "bale/result.h"
#include "base/budget.h"
#include "codec/zstd.h"
#include "pack/build/entry_block.h"

namespace bale {

class BlockEncoder {
 public:
  /// `with_deltas`: whether the blocks have a search.
  [[nodiscard]] static std::uint64_t memory_bytes(int level, bool with_deltas);

  [[nodiscard]] static Result<BlockEncoder> create(Budget& budget, int level, bool with_deltas);

  /// Makes `out`, which must be empty, of `in`; takes over the search of `in`.
  Result<void> encode(EntryBlock& in, EntryBlock& out);

 private:
  explicit BlockEncoder(Compressor compressor) : compressor_(std::move(compressor)) {}

  // What of an entry has been put into the free bytes of a block.
  struct Encoded {
    std::size_t entry_bytes = 0;
    std::size_t stored_bytes = 0;  // of them, payload
  };

  Result<std::optional<Encoded>> compress_entry(const EntryHeader& header, Bytes payload,
                                                MutableBytes to);
  Bytes compress_program(Bytes program);
  Result<void> encode_entry(const EntryBlock& in, std::size_t number, EntryBlock& out);

  Compressor compressor_;
  Buffer programs_;  // compressed ones, if there are deltas
};

}  // namespace bale
