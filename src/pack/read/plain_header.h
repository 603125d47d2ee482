// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The header that nearly every whole object has, read where it lies in a mapped pack:
// format/entry.h tells the grammar. Reading small objects at random is bound by memory;
// decode_entry_header(), which says of any bytes what they are, would take about as long again.
//
// Stateless.

#pragma once

#include <cstdint>
#include <cstring>

#include "bale/object.h"
#include "base/known_id.h"
#include "format/entry.h"

namespace bale {

struct PlainHeader {
  ObjectType type = ObjectType::kBlob;
  std::uint64_t size = 0;
  std::uint64_t stored_size = 0;
  std::size_t header_bytes = 0;
};

/// True where what follows an id of `tagged_id_bytes` at `at` are the type and the numbers of a
/// whole object, and the numbers are short; then `header` is what decode_entry_header() says. Of
/// anything else, also of damage, it says no more than false. Requires kMaxEntryHeaderBytes at
/// `at`.
inline bool read_plain_numbers(const std::byte* at, std::size_t tagged_id_bytes,
                               PlainHeader& header) {
  constexpr unsigned kMostVarintBytes = 5;
  const std::byte* next = at + tagged_id_bytes;
  const auto first = std::to_integer<unsigned>(*next++);
  const unsigned type = first >> 4 & 7;
  if (type > static_cast<unsigned>(ObjectType::kAction)) return false;
  header.type = static_cast<ObjectType>(type);
  header.size = first & 0x0f;
  bool more = (first & 0x80) != 0;
  for (unsigned shift = 4; more; shift += 7) {
    if (shift == 4 + 7 * kMostVarintBytes) return false;
    const auto byte = std::to_integer<std::uint64_t>(*next++);
    header.size |= (byte & 0x7f) << shift;
    more = (byte & 0x80) != 0;
  }
  header.stored_size = 0;
  more = true;
  for (unsigned shift = 0; more; shift += 7) {
    if (shift == 7 * kMostVarintBytes) return false;
    const auto byte = std::to_integer<std::uint64_t>(*next++);
    header.stored_size |= (byte & 0x7f) << shift;
    more = (byte & 0x80) != 0;
  }
  header.header_bytes = static_cast<std::size_t>(next - at);
  return true;
}

/// The same for an entry that must be of this id.
inline bool read_plain_header(const std::byte* at, const ObjectId& id, PlainHeader& header) {
  const Bytes key = id.bytes();
  if (*at != static_cast<std::byte>(id.kind())) return false;
  if (std::memcmp(at + 1, key.data(), key.size()) != 0) return false;
  return read_plain_numbers(at, 1 + key.size(), header);
}

/// The same for an entry of any id, which is read too.
inline bool read_plain_header(const std::byte* at, EntryHeader& header) {
  const auto tag = std::to_integer<unsigned>(*at);
  if (tag > 1) return false;
  const auto kind = static_cast<IdKind>(tag);
  PlainHeader plain;
  if (!read_plain_numbers(at, 1 + id_bytes(kind), plain)) return false;
  header.id = known_id<ObjectId>(kind, {at + 1, id_bytes(kind)});
  header.type = entry_type(plain.type);
  header.size = plain.size;
  header.stored_size = plain.stored_size;
  header.header_bytes = plain.header_bytes;
  return true;
}

}  // namespace bale
