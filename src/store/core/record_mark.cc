// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/record_mark.h"

#include "base/try.h"

namespace bale {
namespace {

bool begins_with_brace(Bytes payload) {
  return !payload.empty() && payload.front() == std::byte{'{'};
}

// Of an entry whose id is the store_id() of its payload.
EntryIdentity under_store_id(ObjectType type, bool brace, bool records_are_marked) {
  const bool record = !records_are_marked && type == ObjectType::kAction && brace;
  return record ? EntryIdentity::kRecord : EntryIdentity::kObject;
}

}  // namespace

void EntryProof::update(Bytes piece) {
  if (!any_ && !piece.empty()) {
    begins_with_brace_ = begins_with_brace(piece);
    any_ = true;
  }
  hasher_.update(piece);
}

EntryIdentity EntryProof::finish() const {
  if (hasher_.store_id() == id_) {
    return under_store_id(type_, begins_with_brace_, records_are_marked_);
  }
  const bool record = type_ == ObjectType::kAction && hasher_.record_id() == id_;
  return record ? EntryIdentity::kRecord : EntryIdentity::kWrong;
}

EntryIdentity identify_entry(const ObjectId& id, ObjectType type, Bytes payload,
                             bool records_are_marked) {
  if (store_id(type, payload) == id) {
    return under_store_id(type, begins_with_brace(payload), records_are_marked);
  }
  const bool record = type == ObjectType::kAction && record_id(payload) == id;
  return record ? EntryIdentity::kRecord : EntryIdentity::kWrong;
}

Result<std::optional<ObjectView>> get_record(const MaybeRecord& entry, bool records_are_marked) {
  const Result<ObjectView> object = entry.get();
  if (object) {
    const bool record = is_record(object->id, object->type, object->payload, records_are_marked);
    return record ? std::optional(*object) : std::nullopt;
  }
  if (object.error().code != ErrorCode::kLimitExceeded) return object.error();
  EntryProof proof(entry.id, entry.type, entry.size, records_are_marked);
  TRY_VOID(entry.read([&](Bytes piece) -> Result<void> {
    proof.update(piece);
    return {};
  }));
  if (proof.finish() == EntryIdentity::kRecord) return object.error();
  return std::nullopt;
}

Result<std::optional<ObjectView>> get_record(const PackReader& pack, const EntryInfo& entry,
                                             ReadContext& context, bool records_are_marked) {
  return get_record({.id = entry.id,
                     .type = entry.type,
                     .size = entry.size,
                     .get = [&] { return pack.get_at(entry.offset, context); },
                     .read =
                         [&](const PackReader::PayloadSink& sink) {
                           return pack.read_at(entry.offset, context, sink);
                         }},
                    records_are_marked);
}

ObjectId id_of_record(Bytes payload, bool records_are_marked) {
  return records_are_marked ? record_id(payload) : content_hash(ObjectType::kAction, payload);
}

}  // namespace bale
