// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// How a store tells its records from objects that came from a source: by the id. A record has the
// id record_id(payload); a tag has its content hash, whatever its bytes are. Both are hashes, so
// what an entry is, is proven together with its bytes.
//
// A store whose mark says "bale store 1" was made before that. There, records are under content
// hashes too, and an action is a record if its payload begins with '{'. Such a store is read and
// written by that rule: records_are_marked() is false.
//
// Safe from any thread; EntryProof is thread-compatible.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "bale/bytes.h"
#include "bale/object.h"
#include "bale/pack_reader.h"
#include "bale/result.h"
#include "hash/blake3.h"

namespace bale {

enum class EntryIdentity : std::uint8_t {
  kWrong,   ///< the payload is not what the id says
  kObject,  ///< an object from a source, which has a Git id; or a list of ids, which is a blob
  kRecord,
};

/// Says what an entry is, once its payload came in pieces.
class EntryProof {
 public:
  /// `id`, `type` and `size` are what the entry says of itself.
  EntryProof(const ObjectId& id, ObjectType type, std::uint64_t size, bool records_are_marked)
      : id_(id), type_(type), records_are_marked_(records_are_marked), hasher_(type, size) {}

  void update(Bytes piece);

  /// Requires that all of the payload came.
  [[nodiscard]] EntryIdentity finish() const;

 private:
  ObjectId id_;
  ObjectType type_;
  bool records_are_marked_;
  bool begins_with_brace_ = false;
  bool any_ = false;
  TypedHasher hasher_;
};

/// The same for a payload that is in memory.
[[nodiscard]] EntryIdentity identify_entry(const ObjectId& id, ObjectType type, Bytes payload,
                                           bool records_are_marked);

/// Whether this is a record, and what its id says.
[[nodiscard]] inline bool is_record(const ObjectId& id, ObjectType type, Bytes payload,
                                    bool records_are_marked) {
  return identify_entry(id, type, payload, records_are_marked) == EntryIdentity::kRecord;
}

/// An entry that may be a record, and the two ways to read it.
struct MaybeRecord {
  ObjectId id;
  ObjectType type = ObjectType::kAction;
  std::uint64_t size = 0;
  std::function<Result<ObjectView>()> get;
  std::function<Result<ObjectType>(const PackReader::PayloadSink&)> read;
};

/// The payload, if it is a record; nullopt for an object of a source, which may be larger than the
/// memory.
Result<std::optional<ObjectView>> get_record(const MaybeRecord& entry, bool records_are_marked);

/// The same for an entry of a pack.
Result<std::optional<ObjectView>> get_record(const PackReader& pack, const EntryInfo& entry,
                                             ReadContext& context, bool records_are_marked);

/// The id that a record gets in such a store.
[[nodiscard]] ObjectId id_of_record(Bytes payload, bool records_are_marked);

}  // namespace bale
