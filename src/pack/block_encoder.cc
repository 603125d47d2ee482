// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/block_encoder.h"

#include <array>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/try.h"

namespace bale {

Result<BlockEncoder> BlockEncoder::create(Budget& budget, int level) {
  return BlockEncoder(TRY(Compressor::create(budget, level)));
}

Result<void> BlockEncoder::encode(const EntryBlock& in, EntryBlock& out) {
  out.begin_encoding(in);
  if (in.is_piece()) {
    const Bytes content = in.bytes().subspan(out.bytes().size());
    if (content.empty()) return {};
    const std::size_t frame_bytes = TRY(compressor_.compress(content, out.free_bytes()));
    out.add_encoded_piece(frame_bytes, static_cast<std::int64_t>(content.size()) -
                                           static_cast<std::int64_t>(frame_bytes));
    return {};
  }
  std::size_t not_copied = 0;
  for (std::size_t i = 0; i < in.entry_count(); ++i) {
    if (in.treatment(i) == EntryBlock::Treatment::kAsItIs) continue;
    out.copy_entries(in, not_copied, i);
    TRY(encode_entry(in, i, out));
    not_copied = i + 1;
  }
  out.copy_entries(in, not_copied, in.entry_count());
  return {};
}

Result<void> BlockEncoder::encode_entry(const EntryBlock& in, std::size_t number, EntryBlock& out) {
  const Bytes entry = in.entry(number);
  EntryHeader header = TRY(decode_entry_header(entry));
  const Bytes payload = entry.subspan(header.header_bytes);
  const MutableBytes to = out.free_bytes();
  // Behind a header as long as the raw entry's: shorter ones are rare, and then the frame moves.
  const std::size_t frame_bytes =
      TRY(compressor_.compress(payload, to.subspan(header.header_bytes)));
  // Stored raw, a delta's program that begins like zstd would be taken for it.
  const bool must_shroud = header.is_delta() && starts_with_zstd_magic(payload);
  if (frame_bytes >= payload.size() && !must_shroud) {
    out.copy_entries(in, number, number + 1);
    return {};
  }
  header.stored_size = frame_bytes;
  std::array<std::byte, kMaxEntryHeaderBytes> bytes;
  const std::size_t header_bytes =
      encode_entry_header(header, StoredSizeForm::kShortest, bytes.data());
  if (header_bytes != header.header_bytes) {
    std::memmove(to.data() + header_bytes, to.data() + header.header_bytes, frame_bytes);
  }
  std::memcpy(to.data(), bytes.data(), header_bytes);
  out.add_encoded_entry(header_bytes + frame_bytes, static_cast<std::int64_t>(payload.size()) -
                                                        static_cast<std::int64_t>(frame_bytes));
  return {};
}

}  // namespace bale
