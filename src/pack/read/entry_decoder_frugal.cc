// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// EntryDecoder's second try, where memory did not do, and what it says if that did not do either.

#include <algorithm>
#include <array>

#include "base/error.h"
#include "codec/delta.h"
#include "codec/zstd.h"
#include "pack/read/entry_decoder.h"

namespace bale {

// What earlier reads have left, or what is taken in advance, may be what stands in the way.
Result<ObjectView> EntryDecoder::decode_frugally(std::uint64_t offset, const EntryHeader& header,
                                                 ReadMemory& context) const {
  context.start_frugal();
  Result<ObjectView> object = decode(offset, header, context);
  const bool still_too_little = !object && object.error().code == ErrorCode::kLimitExceeded;
  if (still_too_little) object = too_little_memory(offset, context);
  context.end_frugal();
  return object;
}

// Sums up what a frugal context takes for this object: a buffer each for what is read from the
// file, for a program, and for the bases and the objects made of them, by turns.
Error EntryDecoder::too_little_memory(std::uint64_t offset, ReadMemory& context) const {
  std::uint64_t stored_bytes = 0;
  std::uint64_t program_bytes = 0;
  std::array<std::uint64_t, 2> object_bytes{};
  ObjectId id;
  Link link{offset, {}};
  for (std::size_t depth = 0; depth <= kMaxReadDepth; ++depth) {
    Result<EntryHeader> header = this->header(link.offset, context);
    if (!header) return header.error();
    link.header = *header;
    if (depth == 0) id = header->id;
    if (!pack_->mapped() && header->stored_size > ReadMemory::kWindowBytes) {
      stored_bytes = std::max(stored_bytes, header->stored_size);
    }
    const bool as_it_lies = !header->is_delta() && header->stored_size == header->size &&
                            (pack_->mapped() || depth == 0);
    if (!as_it_lies) object_bytes[depth % 2] = std::max(object_bytes[depth % 2], header->size);
    if (!header->is_delta()) break;
    const Result<Bytes> stored =
        bytes(link.offset + header->header_bytes, header->stored_size, context);
    std::uint64_t most = max_program_bytes(header->size);
    if (stored) {
      const Result<std::uint64_t> room = program_room(link, *stored);
      if (room) most = *room;
    }
    program_bytes = std::max(program_bytes, most);
    const Result<std::uint64_t> next = base_offset(link);
    if (!next) return next.error();
    link.offset = *next;
  }
  const std::uint64_t needed = stored_bytes + program_bytes + object_bytes[0] + object_bytes[1] +
                               Decompressor::memory_bytes() +
                               (pack_->mapped() ? 0 : ReadMemory::kWindowBytes);
  return fail(ErrorCode::kLimitExceeded,
              {.kind = HintKind::kNeedsMemory,
               .needed_bytes = needed,
               .allowed_bytes = context.budget().limit_bytes()},
              "{}: object {} at offset {} needs more memory than reading may use", pack_->path(),
              id.to_hex(), offset);
}

}  // namespace bale
