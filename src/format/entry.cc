// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "format/entry.h"

#include <algorithm>

#include "base/check.h"
#include "base/error.h"
#include "base/known_id.h"
#include "base/try.h"

namespace bale {
namespace {

std::byte* put_tagged_id(const ObjectId& id, std::byte* to) {
  *to++ = static_cast<std::byte>(id.kind());
  return std::copy(id.bytes().begin(), id.bytes().end(), to);
}

Result<ObjectId> take_tagged_id(Bytes bytes, std::size_t* position) {
  if (*position >= bytes.size()) return fail(ErrorCode::kCorrupt, "an id runs past the end");
  const auto tag = std::to_integer<unsigned>(bytes[(*position)++]);
  if (tag > 1) return fail(ErrorCode::kCorrupt, "an id has the unknown tag {}", tag);
  const auto kind = static_cast<IdKind>(tag);
  if (bytes.size() - *position < id_bytes(kind)) {
    return fail(ErrorCode::kCorrupt, "an id runs past the end");
  }
  const ObjectId id = known_id<ObjectId>(kind, bytes.subspan(*position, id_bytes(kind)));
  *position += id_bytes(kind);
  return id;
}

}  // namespace

ObjectType EntryHeader::object_type() const {
  CHECK(!is_delta());
  return static_cast<ObjectType>(type);
}

std::size_t encode_entry_header(const EntryHeader& header, StoredSizeForm form, std::byte* to) {
  std::byte* position = put_tagged_id(header.id, to);
  const std::uint64_t rest = header.size >> 4;
  const auto first = static_cast<unsigned>(header.type) << 4 |
                     static_cast<unsigned>(header.size & 0x0f) | (rest != 0 ? 0x80U : 0U);
  *position++ = static_cast<std::byte>(first);
  if (rest != 0) position += encode_varint(rest, position);
  if (form == StoredSizeForm::kPadded) {
    const auto padded = encode_padded_varint(header.stored_size);
    position = std::copy(padded.begin(), padded.end(), position);
  } else {
    position += encode_varint(header.stored_size, position);
  }
  if (header.is_delta()) {
    CHECK(header.base.kind() == IdKind::kContentHash);
    position = put_tagged_id(header.base, position);
  }
  return static_cast<std::size_t>(position - to);
}

Result<EntryHeader> decode_entry_header(Bytes bytes) {
  EntryHeader header;
  std::size_t position = 0;
  header.id = TRY(take_tagged_id(bytes, &position));
  if (position >= bytes.size()) return fail(ErrorCode::kCorrupt, "the header is cut short");
  const auto first = std::to_integer<unsigned>(bytes[position++]);
  const unsigned type = first >> 4 & 7;
  if (type > 4) return fail(ErrorCode::kCorrupt, "the entry has the unknown type {}", type);
  header.type = static_cast<EntryType>(type);
  header.size = first & 0x0f;
  if ((first & 0x80) != 0) {
    header.size = TRY(decode_varint_tail(bytes, &position, header.size, 4));
  }
  header.stored_size = TRY(decode_varint(bytes, &position));
  if (header.is_delta()) {
    header.base = TRY(take_tagged_id(bytes, &position));
    if (header.base.kind() != IdKind::kContentHash) {
      return fail(ErrorCode::kCorrupt, "a delta's base is named by a change id");
    }
    if (header.size > kMaxDeltaObjectBytes) {
      return fail(ErrorCode::kCorrupt,
                  "a delta claims to rebuild {} bytes, more than the 128 MiB "
                  "that the format allows",
                  header.size);
    }
  }
  header.header_bytes = position;
  return header;
}

}  // namespace bale
