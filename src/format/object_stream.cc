// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "format/object_stream.h"

#include <algorithm>

#include "base/check.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/known_id.h"

namespace bale {

Result<std::size_t> object_frame_bytes(std::byte id_kind) {
  const auto kind = std::to_integer<unsigned>(id_kind);
  if (kind > 1) return fail(ErrorCode::kCorrupt, "an object has the unknown id kind {}", kind);
  return 1 + id_bytes(static_cast<IdKind>(kind)) + 1 + 8;
}

Result<StreamedObject> decode_object_frame(Bytes frame) {
  const auto kind = static_cast<IdKind>(frame[0]);
  const std::size_t length = id_bytes(kind);
  CHECK(frame.size() == 1 + length + 1 + 8);
  StreamedObject object;
  object.id = known_id<ObjectId>(kind, frame.subspan(1, length));
  const auto type = std::to_integer<unsigned>(frame[1 + length]);
  if (type > 3) {
    return fail(ErrorCode::kCorrupt, "object {} has the unknown type {}", object.id.to_hex(), type);
  }
  object.type = static_cast<ObjectType>(type);
  object.size = load_le<std::uint64_t>(frame.data() + 2 + length);
  return object;
}

std::size_t encode_object_frame(const StreamedObject& object, std::byte* to) {
  const Bytes id = object.id.bytes();
  to[0] = static_cast<std::byte>(object.id.kind());
  std::copy(id.begin(), id.end(), to + 1);
  to[1 + id.size()] = static_cast<std::byte>(object.type);
  store_le<std::uint64_t>(to + 2 + id.size(), object.size);
  return 1 + id.size() + 1 + 8;
}

}  // namespace bale
