// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// BLAKE3 of bytes, whole or streamed, and the typed form that names objects (doc/FORMAT.md, section
// 3). content_hash(), change_id() and store_id() of bale/object.h are defined here too.
//
// The free functions are safe from any thread and allocate nothing. For a pack file, some of whose
// bytes are known late, see hash/blake_tree.h.

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

/// The hash of bytes that come in pieces, by the official library. About 2 KB, no heap.
/// Copyable: a copy goes on from where the original stands. Thread-compatible.
class Blake3Hasher {
 public:
  Blake3Hasher();

  void update(Bytes data);

  /// Of everything so far; more may follow.
  [[nodiscard]] Blake3Hash finish() const;

 private:
  blake3_hasher state_;
};

/// The id of a record of bale's (bale/record.h) with this payload: the typed hash with the word
/// "record" where an object has the name of its type. So no object that came from a source has it,
/// whatever its bytes are.
[[nodiscard]] ObjectId record_id(Bytes payload);

/// Whether a store may hold this object under this id: store_id(), or of an action record_id().
[[nodiscard]] bool is_store_id(const ObjectId& id, ObjectType type, Bytes payload);

/// The typed hash of one payload that comes in pieces. For a payload that lies in memory whole,
/// content_hash() and its sisters are faster. Copyable; thread-compatible.
class TypedHasher {
 public:
  /// `size_bytes` is the payload's size: it is hashed first, so it must be known.
  TypedHasher(ObjectType type, std::uint64_t size_bytes);

  /// The next bytes of the payload.
  void update(Bytes data);

  /// The object's id. Require that exactly the size's number of bytes came: the program stops
  /// otherwise.
  [[nodiscard]] ObjectId content_hash() const;
  [[nodiscard]] ObjectId change_id() const;
  [[nodiscard]] ObjectId store_id() const;

  /// Of an action: its record_id(). Stops the program for another type.
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
