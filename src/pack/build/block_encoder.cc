// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/build/block_encoder.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/try.h"

namespace bale {
namespace {

// Shorter programs are stored as they are: a frame costs 9 bytes and more.
constexpr std::size_t kLeastProgramBytes = 96;

// A delta whose stored program is no longer than this share of its object, or than this, is taken
// without compressing the object to compare. Only objects of long repetitions could be smaller
// whole.
constexpr std::size_t kSmallShare = 64;
constexpr std::size_t kSmallBytes = 64;

}  // namespace

std::uint64_t BlockEncoder::memory_bytes(int level, bool with_deltas) {
  return Compressor::memory_bytes(level) + (with_deltas ? kMostDeltaBytes : 0);
}

Result<BlockEncoder> BlockEncoder::create(Budget& budget, int level, bool with_deltas) {
  BlockEncoder encoder(TRY(Compressor::create(budget, level)));
  if (with_deltas) {
    encoder.programs_ = TRY(Buffer::allocate(budget, kMostDeltaBytes, "compressing deltas"));
  }
  return encoder;
}

Result<void> BlockEncoder::encode(EntryBlock& in, EntryBlock& out) {
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
    const bool is_delta = out.search() != nullptr && out.search()->entries[i].found;
    if (in.treatment(i) == EntryBlock::Treatment::kAsItIs && !is_delta) continue;
    out.copy_entries(in, not_copied, i);
    TRY(encode_entry(in, i, out));
    not_copied = i + 1;
  }
  out.copy_entries(in, not_copied, in.entry_count());
  return {};
}

// Itself where it does not become shorter; it never looks like zstd.
Bytes BlockEncoder::compress_program(Bytes program) {
  if (program.size() < kLeastProgramBytes) return program;
  const MutableBytes room = programs_.span().first(program.size() - 1);
  const Result<std::size_t> size = compressor_.compress(program, room);
  return size ? Bytes(room.first(*size)) : program;
}

// Nothing where it would not become smaller.
Result<std::optional<BlockEncoder::Encoded>> BlockEncoder::compress_entry(const EntryHeader& raw,
                                                                          Bytes payload,
                                                                          MutableBytes to) {
  // Behind a header as long as the raw entry's: shorter ones are rare, and then the frame moves.
  const std::size_t frame_bytes = TRY(compressor_.compress(payload, to.subspan(raw.header_bytes)));
  // Stored raw, a delta's program that begins like zstd would be taken for it.
  const bool must_shroud = raw.is_delta() && starts_with_zstd_magic(payload);
  if (frame_bytes >= payload.size() && !must_shroud) return std::nullopt;
  EntryHeader header = raw;
  header.stored_size = frame_bytes;
  std::array<std::byte, kMaxEntryHeaderBytes> bytes;
  const std::size_t header_bytes =
      encode_entry_header(header, StoredSizeForm::kShortest, bytes.data());
  if (header_bytes != raw.header_bytes) {
    std::memmove(to.data() + header_bytes, to.data() + raw.header_bytes, frame_bytes);
  }
  std::memcpy(to.data(), bytes.data(), header_bytes);
  return Encoded{.entry_bytes = header_bytes + frame_bytes, .stored_bytes = frame_bytes};
}

Result<void> BlockEncoder::encode_entry(const EntryBlock& in, std::size_t number, EntryBlock& out) {
  const Bytes entry = in.entry(number);
  const EntryHeader header = TRY(decode_entry_header(entry));
  const Bytes payload = entry.subspan(header.header_bytes);
  const MutableBytes to = out.free_bytes();
  const auto saved = [&](std::size_t stored_bytes) {
    return static_cast<std::int64_t>(payload.size()) - static_cast<std::int64_t>(stored_bytes);
  };
  EntrySearch* const search = out.search() != nullptr ? &out.search()->entries[number] : nullptr;
  const bool has_delta = search != nullptr && search->found;
  Bytes program;
  std::array<std::byte, kMaxEntryHeaderBytes> delta_header;
  std::size_t delta_header_bytes = 0;
  if (has_delta) {
    program = compress_program(search->found->program);
    delta_header_bytes = encode_entry_header({.id = header.id,
                                              .type = EntryType::kDelta,
                                              .size = header.size,
                                              .stored_size = program.size(),
                                              .base = search->found->base_id},
                                             StoredSizeForm::kShortest, delta_header.data());
  }
  const bool surely_small =
      has_delta && program.size() <= std::max(kSmallBytes, payload.size() / kSmallShare);
  std::optional<Encoded> whole;
  if (!surely_small && in.treatment(number) == EntryBlock::Treatment::kTryToCompress) {
    whole = TRY(compress_entry(header, payload, to));
  }
  const std::size_t whole_bytes = whole ? whole->entry_bytes : entry.size();
  if (has_delta && delta_header_bytes + program.size() < whole_bytes) {
    std::memcpy(to.data(), delta_header.data(), delta_header_bytes);
    std::memcpy(to.data() + delta_header_bytes, program.data(), program.size());
    search->stored_as_delta = true;
    out.add_encoded_entry(delta_header_bytes + program.size(), saved(program.size()));
    out.note_delta();
  } else if (whole) {
    out.add_encoded_entry(whole->entry_bytes, saved(whole->stored_bytes));
  } else {
    out.copy_entries(in, number, number + 1);
  }
  return {};
}

}  // namespace bale
