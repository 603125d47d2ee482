// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/salvage/salvage_prover.h"

#include <algorithm>
#include <array>

#include "base/damage.h"
#include "base/error.h"
#include "base/try.h"
#include "codec/delta.h"
#include "codec/zstd.h"
#include "hash/blake3.h"
#include "pack/read/stored_payload.h"

namespace bale {
namespace {

// zstd makes at most 128 KiB of a block of 4 bytes.
constexpr std::uint64_t kMostRatio = 32 << 10;

// What stored bytes may be longer than their content: headers of frames, and frames without
// content.
constexpr std::uint64_t kMostOverheadBytes = 64 << 10;

bool is_nothing(const ObjectId& id) {
  return std::all_of(id.bytes().begin(), id.bytes().end(),
                     [](std::byte byte) { return byte == std::byte{0}; });
}

}  // namespace

bool is_plausible(const EntryHeader& header) {
  if (is_nothing(header.id)) return false;
  if (header.is_delta()) {
    return header.id.kind() == IdKind::kContentHash && header.id != header.base &&
           header.stored_size <= max_program_bytes(header.size) + kMostOverheadBytes;
  }
  const bool is_state = header.object_type() == ObjectType::kState;
  if (is_state != (header.id.kind() == IdKind::kChangeId)) return false;
  if (header.stored_size == header.size) return true;
  return header.size / kMostRatio <= header.stored_size &&
         header.stored_size / 2 <= header.size + kMostOverheadBytes;
}

Result<std::optional<SalvageProver::Found>> SalvageProver::try_at(std::uint64_t offset) {
  const Result<EntryHeader> header = decoder_.header(offset, context_);
  if (!header && !is_damage(header.error())) return header.error();
  if (!header || !is_plausible(*header)) return std::nullopt;
  const Found found{.offset = offset, .header = *header};
  const Result<bool> whole = header->is_delta() ? check_program(found) : prove_whole(found);
  if (whole && *whole) return found;
  if (!whole && whole.error().code == ErrorCode::kLimitExceeded) {
    ++too_large_;
  } else if (!whole && !is_damage(whole.error())) {
    return whole.error();
  }
  return std::nullopt;
}

// Of what looks like a header by chance, almost nothing goes on like this.
Result<bool> SalvageProver::begins_like_frames(const Found& found) const {
  std::array<std::byte, 4> magic;
  if (found.header.stored_size < magic.size()) return false;
  TRY(pack_.read(found.offset + found.header.header_bytes, magic));
  const bool skippable =
      (std::to_integer<unsigned>(magic[0]) & 0xF0) == 0x50 &&
      std::equal(magic.begin() + 1, magic.end(), kEmptySkippableFrame.begin() + 1);
  return skippable || starts_with_zstd_magic(magic);
}

Result<bool> SalvageProver::prove_whole(const Found& found) {
  const EntryHeader& header = found.header;
  if (header.stored_size != header.size && !TRY(begins_like_frames(found))) return false;
  TypedHasher hasher(header.object_type(), header.size);
  const bool at_once = header.size <= kFrameBytes;
  const std::uint64_t allowed = most_vain_bytes_ - std::min(vain_bytes_, most_vain_bytes_);
  std::uint64_t decoded_bytes = 0;
  const Result<ObjectType> read =
      decoder_.read(found.offset, header, context_, [&](Bytes piece) -> Result<void> {
        decoded_bytes += piece.size();
        if (!at_once && decoded_bytes > allowed) {
          return fail(ErrorCode::kCorrupt, "too much was tried in vain");
        }
        hasher.update(piece);
        return {};
      });
  if (read && hasher.is_store_id(header.id)) return true;
  const std::uint64_t decoded = at_once ? header.size : decoded_bytes;
  vain_bytes_ += decoded + std::min(header.stored_size, decoded_bytes + kFrameBytes);
  if (!read) return read.error();
  TRY(on_wrong_(found));
  return false;
}

// Its base may be found later. That all of the program fits leaves little to chance.
Result<bool> SalvageProver::check_program(const Found& found) {
  const EntryHeader& header = found.header;
  std::uint64_t tried_bytes = header.stored_size;
  const auto makes_all_of_it = [&]() -> Result<bool> {
    const StoredEntry entry = TRY(decoder_.stored(found.offset, header.stored_size, context_));
    const std::uint64_t bound = TRY(unpacked_bound(entry));
    tried_bytes += bound;
    const MutableBytes room = TRY(context_.room(ReadMemory::kProgram, bound, "a delta program"));
    const Bytes program = TRY(unpack(entry, *TRY(context_.decompressor()), room));
    return TRY(delta_output_size(program)) == header.size;
  };
  const Result<bool> whole = makes_all_of_it();
  if (!whole || !*whole) vain_bytes_ += tried_bytes;
  return whole;
}

}  // namespace bale
