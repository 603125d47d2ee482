// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "testing/pack_draft.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/endian.h"
#include "hash/blake3.h"

namespace bale {
namespace {

void append(ByteVector& to, Bytes bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace

std::uint64_t PackDraft::add(EntryHeader header, Bytes stored, StoredSizeForm form) {
  const std::uint64_t offset = kHeaderBytes + entries_.size();
  header.stored_size = stored.size();
  std::array<std::byte, kMaxEntryHeaderBytes> bytes;
  append(entries_, Bytes(bytes).first(encode_entry_header(header, form, bytes.data())));
  append(entries_, stored);
  placed_.push_back({header.id, offset});
  return offset;
}

std::uint64_t PackDraft::add_raw(const ObjectId& id, ObjectType type, Bytes payload) {
  return add({.id = id, .type = entry_type(type), .size = payload.size()}, payload);
}

std::uint64_t PackDraft::add_delta(const ObjectId& id, const ObjectId& base, std::uint64_t size,
                                   Bytes program) {
  return add({.id = id, .type = EntryType::kDelta, .size = size, .base = base}, program);
}

ByteVector PackDraft::pack(std::optional<std::uint64_t> count) const {
  ByteVector pack;
  append(pack, encode_pack_header(count.value_or(placed_.size())));
  append(pack, entries_);
  append(pack, blake3(pack));
  return pack;
}

ByteVector PackDraft::index(Trailer trailer) const {
  std::vector<Placed> sorted = placed_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Placed& a, const Placed& b) { return a.id < b.id; });
  sorted.erase(std::unique(sorted.begin(), sorted.end(),
                           [](const Placed& a, const Placed& b) { return a.id == b.id; }),
               sorted.end());
  ByteVector index;
  append(index, encode_index_header(sorted.size()));
  for (const Placed& placed : sorted) {
    index.push_back(static_cast<std::byte>(placed.id.kind()));
    append(index, placed.id.bytes());
    std::array<std::byte, 8> offset;
    store_be(offset.data(), placed.offset);
    append(index, offset);
  }
  if (trailer == Trailer::kWithout) return index;
  const ByteVector whole_pack = pack();
  Digest checksum;
  std::copy(whole_pack.end() - 32, whole_pack.end(), checksum.begin());
  append(index, encode_index_trailer_start(checksum));
  append(index, blake3(index));
  return index;
}

void PackDraft::redirect(std::uint64_t from_offset, std::uint64_t to_offset) {
  for (Placed& placed : placed_) {
    if (placed.offset == from_offset) placed.offset = to_offset;
  }
}

ByteVector append_program(std::size_t base_size, std::string_view suffix) {
  CHECK(base_size <= 65'535 && suffix.size() <= 128);
  ByteVector program;
  if (base_size > 0) {
    // A copy from offset 0, with two bytes of size.
    program = {std::byte{0xb0}, static_cast<std::byte>(base_size & 0xff),
               static_cast<std::byte>(base_size >> 8)};
  }
  if (!suffix.empty()) program.push_back(static_cast<std::byte>(suffix.size() - 1));
  append(program, as_bytes(suffix));
  return program;
}

}  // namespace bale
