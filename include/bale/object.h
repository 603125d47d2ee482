// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Objects, the unit of storage: an id, a type and a payload.
//
// Packs accept any id. Stores follow doc/FORMAT.md: a content hash is the typed BLAKE3 of the
// payload, a state has a change id, a record (record.h) the id of record_id().

#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "bale/bytes.h"
#include "bale/export.h"
#include "bale/result.h"

namespace bale {

/// The values are those of the pack format.
enum class ObjectType : std::uint8_t { kBlob = 0, kTree = 1, kState = 2, kAction = 3 };

/// "blob", "tree", "state" or "action".
[[nodiscard]] BALE_EXPORT std::string_view to_string(ObjectType type);

/// The values are the tags of the pack format; hashes sort before change ids.
enum class IdKind : std::uint8_t { kContentHash = 0, kChangeId = 1 };

/// Bytes in an id of this kind: 32 or 16.
constexpr std::size_t id_bytes(IdKind kind) {
  return kind == IdKind::kContentHash ? 32 : 16;
}

/// An object's id: a content hash of 32 bytes or a change id of 16. Ordered as in an index.
class BALE_EXPORT ObjectId {
 public:
  /// The content hash of all zero bytes.
  ObjectId() = default;

  /// kInvalidArgument unless `bytes` are as many as this kind of id has.
  [[nodiscard]] static Result<ObjectId> from_bytes(IdKind kind, Bytes bytes);

  /// Reads exactly 64 hex digits (content hash) or 32 (change id), in any case.
  [[nodiscard]] static Result<ObjectId> from_hex(std::string_view hex);

  [[nodiscard]] IdKind kind() const { return kind_; }

  [[nodiscard]] Bytes bytes() const { return Bytes(bytes_).first(id_bytes(kind_)); }

  /// Lower-case hex digits: 64 or 32.
  [[nodiscard]] std::string to_hex() const;

  auto operator<=>(const ObjectId&) const = default;
  bool operator==(const ObjectId&) const = default;

 private:
  friend struct KnownId;

  ObjectId(IdKind kind, Bytes bytes);

  IdKind kind_ = IdKind::kContentHash;
  std::array<std::byte, 32> bytes_{};  // a change id leaves the second half zero
};

/// BLAKE3 over the type's name, the length as u64 little-endian, a zero byte, and the payload.
[[nodiscard]] BALE_EXPORT ObjectId content_hash(ObjectType type, Bytes payload);

/// The first 16 bytes of the same hash: the id of a state.
[[nodiscard]] BALE_EXPORT ObjectId change_id(ObjectType type, Bytes payload);

/// The id a store gives an object: a change id for a state, else a content hash.
[[nodiscard]] BALE_EXPORT ObjectId store_id(ObjectType type, Bytes payload);

}  // namespace bale
