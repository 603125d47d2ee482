// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// PackStream: one append-only stream of blocks of entries, from the pack's header to its trailer.
//
// Each block goes through three steps. The middle one is the expensive one, and may be taken for
// several blocks at once, on any threads; the outer two are taken block by block, in order:
//
//   place    gives the block its offset
//   write    writes its bytes to the file and hashes them (BlakeSpan)
//   commit   joins its hash to the pack's, and fills in what was left open before it
//
// It knows the pack's grammar and what may follow what; it knows nothing of how payloads are
// compressed, nor of files but the one it is given.

#pragma once

#include <cstdint>
#include <optional>

#include "bale/file_system.h"
#include "bale/result.h"
#include "format/container.h"
#include "format/entry.h"
#include "hash/blake_span.h"
#include "hash/blake_tree.h"
#include "pack/build/entry_block.h"

namespace bale {

/// A block that has its place.
struct PlacedBlock {
  EntryBlock* block = nullptr;
  std::uint64_t offset = 0;  ///< of its first byte, from the pack's first
  BlakeSpan span;            ///< of all its bytes but a payload's header
};

class PackStream {
 public:
  /// Writes the header. With a declared count it is whole at once; else the count is filled in by
  /// finish(). The file must outlive the stream.
  [[nodiscard]] static Result<PackStream> create(File& file, std::uint64_t file_offset,
                                                 std::optional<std::uint64_t> declared_count);

  /// The block's bytes do not change after this; only it may add to them.
  PlacedBlock place(EntryBlock& block);

  Result<void> write(PlacedBlock& placed) const;

  Result<void> commit(const PlacedBlock& placed);

  /// How many bytes from the pack's first will not change any more, of those committed.
  [[nodiscard]] std::uint64_t stable_bytes() const;

  struct Finished {
    Digest trailer;  ///< BLAKE3 of all before it
    Digest name;     ///< BLAKE3 of the whole pack
    std::uint64_t pack_bytes = 0;
  };

  /// Fills in the count and appends the trailer. All blocks must be committed.
  Result<Finished> finish(std::uint64_t entry_count);

 private:
  PackStream(File& file, std::uint64_t file_offset) : file_(&file), file_offset_(file_offset) {}

  Result<void> fill(const Hole& hole, Bytes bytes);

  File* file_;
  std::uint64_t file_offset_;
  BlakeTree tree_;  // what is committed
  std::optional<Hole> count_hole_;
  std::uint64_t placed_bytes_ = 0;
  // Of the payload in pieces that is under way, first as place() sees it, then as commit() does.
  std::uint64_t placed_payload_bytes_ = 0;
  bool placed_size_is_open_ = false;
  std::uint64_t payload_position_ = 0;
  std::optional<Hole> id_hole_;
  std::optional<Hole> size_hole_;
};

}  // namespace bale
