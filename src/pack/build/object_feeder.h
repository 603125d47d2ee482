// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// ObjectFeeder: cuts what a builder's caller brings into blocks for the pipeline: whole objects
// side by side, large ones in pieces, and those that come in pieces wherever they belong.
//
// It knows no limits, no bases and no names: what it is given must be right already, except for the
// number of bytes that are fed. Takes memory for a moment in submit_all(): kAsideBytes, charged.
// Not thread-safe.

#pragma once

#include <cstdint>
#include <optional>

#include "bale/object.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "base/budget.h"
#include "pack/build/block_pipeline.h"
#include "pack/build/entry_block.h"

namespace bale {

/// An id of this kind that stands for one which is not known yet.
[[nodiscard]] ObjectId unknown_id(IdKind kind);

class ObjectFeeder {
 public:
  /// What submit_all() keeps aside: an object that shares its block with others is small.
  static constexpr std::size_t kAsideBytes = EntryBlock::kFullBytes + 4096;

  /// All must outlive the feeder.
  ObjectFeeder(BlockPipeline& pipeline, Budget& budget, const Operation& operation)
      : pipeline_(pipeline), budget_(budget), operation_(operation) {}

  /// Whether a payload goes into a block whole.
  [[nodiscard]] static bool fits_a_block(std::uint64_t payload_bytes) {
    return payload_bytes <= kFrameBytes;
  }

  /// An entry whose payload is stored as it is given, or compressed. Requires fits_a_block() and
  /// header.stored_size == payload.size().
  Result<void> add(const EntryHeader& header, Bytes payload, EntryBlock::Treatment treatment,
                   const EntryHints& hints = {});

  /// A payload of header.stored_size bytes that comes in pieces, and an id, of which only the kind
  /// must be right yet, that comes in the end. Where it is to be compressed the object has as many
  /// bytes.
  Result<void> begin(const EntryHeader& header, EntryBlock::Treatment treatment);
  Result<void> write(Bytes piece);

  /// Returns the header that it began with, under its id.
  Result<EntryHeader> end(const ObjectId& id, const EntryHints& hints = {});

  [[nodiscard]] bool is_open() const { return open_.has_value(); }

  /// What is wrong about an object that was fed too little or too much. Requires is_open().
  [[nodiscard]] Error wrong_size() const;

  /// The header that the object which is being fed was begun with. Requires is_open().
  [[nodiscard]] const EntryHeader& open_header() const { return open_->header; }

  /// Hands all on to the pipeline, but for the object that is being fed.
  Result<void> submit_all();

 private:
  // The object whose payload is being fed.
  struct Open {
    EntryHeader header;
    std::uint64_t received = 0;
    bool compress = false;
    MutableBytes whole;  // where it goes in the block, if it fits into one

    [[nodiscard]] std::uint64_t payload_bytes() const { return header.stored_size; }
  };

  Result<EntryBlock*> block_with_room(std::uint64_t payload_bytes);
  Result<EntryBlock*> fresh_block();
  Result<void> submit();
  Result<void> write_pieces(Bytes bytes);

  BlockPipeline& pipeline_;
  Budget& budget_;
  const Operation& operation_;
  EntryBlock* block_ = nullptr;  // that is being filled
  std::optional<Open> open_;
};

}  // namespace bale
