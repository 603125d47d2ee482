// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// BLAKE3 of bytes, whole or streamed, and the typed form that names objects (doc/FORMAT.md, section
// 3). content_hash(), change_id() and store_id() of bale/object.h are defined here too.
//
// The free functions are thread-safe and allocate nothing. For a pack file, some of whose bytes are
// known only later, see hash/blake_tree.h.

#pragma once

#include <blake3.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "bale/bytes.h"
#include "bale/object.h"

namespace bale {

using Blake3Hash = std::array<std::byte, 32>;

/// The hash of all of `data`.
[[nodiscard]] Blake3Hash blake3(Bytes data);

/// Hashes a stream with the official library. About 2 KB, no heap. Copyable: a copy continues from
/// the original's state. Thread-compatible.
class Blake3Hasher {
 public:
  Blake3Hasher();

  void update(Bytes data);

  /// The hash of everything so far; more may follow.
  [[nodiscard]] Blake3Hash finish() const;

 private:
  blake3_hasher state_;
};

/// The id of a record (bale/record.h) with this payload: the typed hash with "record" instead of a
/// type's name. So no object from a source can have it, whatever its bytes.
[[nodiscard]] ObjectId record_id(Bytes payload);

/// Whether a store may hold this object under this id: store_id(), or of an action record_id().
[[nodiscard]] bool is_store_id(const ObjectId& id, ObjectType type, Bytes payload);

/// The typed hash of a streamed payload. For one in memory, content_hash() and the like are faster.
/// Copyable; thread-compatible.
class TypedHasher {
 public:
  /// `size_bytes` is the payload's size, which is hashed first.
  TypedHasher(ObjectType type, std::uint64_t size_bytes);

  /// The next bytes of the payload.
  void update(Bytes data);

  /// The object's id. Each requires that exactly `size_bytes` were passed, and ends the program
  /// otherwise.
  [[nodiscard]] ObjectId content_hash() const;
  [[nodiscard]] ObjectId change_id() const;
  [[nodiscard]] ObjectId store_id() const;

  /// The record_id() of an action. Ends the program for another type.
  [[nodiscard]] ObjectId record_id() const;

  [[nodiscard]] bool is_store_id(const ObjectId& id) const;

 private:
  [[nodiscard]] Blake3Hash finish() const;

  Blake3Hasher hasher_;
  std::optional<Blake3Hasher> record_hasher_;  // of an action
  ObjectType type_;
  std::uint64_t missing_bytes_;
};

}  // namespace bale
