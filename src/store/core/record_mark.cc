// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/record_mark.h"

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

ObjectId id_of_record(Bytes payload, bool records_are_marked) {
  return records_are_marked ? record_id(payload) : content_hash(ObjectType::kAction, payload);
}

}  // namespace bale
