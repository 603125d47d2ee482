// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>

#include "bale/object.h"
#include "base/check.h"
#include "base/error.h"
#include "base/hex.h"

namespace bale {

std::string_view to_string(ObjectType type) {
  switch (type) {
    case ObjectType::kBlob:
      return "blob";
    case ObjectType::kTree:
      return "tree";
    case ObjectType::kState:
      return "state";
    case ObjectType::kAction:
      return "action";
  }
  CHECK(false);
}

ObjectId::ObjectId(IdKind kind, Bytes bytes) : kind_(kind) {
  CHECK(bytes.size() == id_bytes(kind));
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}

Result<ObjectId> ObjectId::from_bytes(IdKind kind, Bytes bytes) {
  if (bytes.size() == id_bytes(kind)) return ObjectId(kind, bytes);
  return fail(ErrorCode::kInvalidArgument, "a {} has {} bytes, not {}",
              kind == IdKind::kContentHash ? "content hash" : "change id", id_bytes(kind),
              bytes.size());
}

Result<ObjectId> ObjectId::from_hex(std::string_view hex) {
  ObjectId id;
  id.kind_ =
      hex.size() == 2 * id_bytes(IdKind::kChangeId) ? IdKind::kChangeId : IdKind::kContentHash;
  if (!parse_hex(hex, MutableBytes(id.bytes_).first(id_bytes(id.kind_)))) {
    return fail(ErrorCode::kInvalidArgument,
                "'{}' is not an object id (64 hex digits for a content hash, 32 for a change id)",
                hex);
  }
  return id;
}

std::string ObjectId::to_hex() const {
  return bale::to_hex(bytes());
}

}  // namespace bale
