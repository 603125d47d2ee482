// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What a PackBuilder does with entries of other packs, which it takes over as they are stored. They
// go the way of objects that nobody compresses; only the header is written anew, in its shortest
// form. That a delta's base is there is proven in the end, as for all deltas.

#include <algorithm>
#include <utility>

#include "base/try.h"
#include "pack/build/pack_builder_impl.h"

namespace bale {

// The header to be written for it.
Result<EntryHeader> PackBuilder::Impl::admit_stored(const StoredEntry& entry) {
  TRY(admit(std::max(entry.size, entry.stored_size)));
  if (options_.deltas) {
    return fail(ErrorCode::kInvalidArgument,
                "a builder that makes deltas itself takes no stored entries: it would not know how "
                "deep they are");
  }
  EntryHeader header{.id = entry.id, .size = entry.size, .stored_size = entry.stored_size};
  if (!entry.is_delta()) {
    header.type = entry_type(*entry.type);
    return header;
  }
  header.type = EntryType::kDelta;
  header.base = entry.base;
  if (entry.base.kind() != IdKind::kContentHash || entry.base == entry.id) {
    return fail(ErrorCode::kInvalidArgument,
                "object {} cannot be a delta against {}: a base is another object, known by a "
                "content hash",
                entry.id.to_hex(), entry.base.to_hex());
  }
  if (entry.size > kMaxDeltaObjectBytes) {
    return fail(ErrorCode::kInvalidArgument,
                "object {} of {} bytes is too large for a delta (128 MiB are the limit)",
                entry.id.to_hex(), entry.size);
  }
  return header;
}

// How deep a delta is nobody knows here, so none may lean on it.
Result<EntryHandle> PackBuilder::Impl::record_stored(const EntryHeader& header) {
  EntryHandle handle{.id = header.id, .size = header.size};
  if (header.is_delta()) {
    ++summary_.deltas;
    handle.depth = kMaxWrittenDepth;
  } else {
    handle.type = header.object_type();
  }
  return record(handle);
}

Result<EntryHandle> PackBuilder::Impl::add_stored(const StoredEntry& entry) {
  if (entry.stored.size() != entry.stored_size) {
    return fail(ErrorCode::kInvalidArgument,
                "object {} is stored in {} bytes, and {} were given (begin_stored() takes what is "
                "not in memory)",
                entry.id.to_hex(), entry.stored_size, entry.stored.size());
  }
  if (!ObjectFeeder::fits_a_block(entry.stored_size)) {
    TRY(begin_stored(entry));
    TRY(write(entry.stored));
    return end_stored();
  }
  const EntryHeader header = TRY(admit_stored(entry));
  TRY(feeder_->add(header, entry.stored, EntryBlock::Treatment::kAsItIs));
  return record_stored(header);
}

Result<void> PackBuilder::Impl::begin_stored(const StoredEntry& entry) {
  const EntryHeader header = TRY(admit_stored(entry));
  TRY(feeder_->begin(header, EntryBlock::Treatment::kAsItIs));
  feeds_stored_ = true;
  return {};
}

Result<EntryHandle> PackBuilder::Impl::end_stored() {
  if (!std::exchange(feeds_stored_, false)) {
    return fail(ErrorCode::kInvalidArgument, "no stored entry is being fed");
  }
  return record_stored(TRY(feeder_->end(feeder_->open_header().id)));
}

Result<EntryHandle> PackBuilder::add_stored(const StoredEntry& entry) {
  return impl_->guarded([&] { return impl_->add_stored(entry); });
}

Result<void> PackBuilder::begin_stored(const StoredEntry& entry) {
  return impl_->guarded([&] { return impl_->begin_stored(entry); });
}

Result<EntryHandle> PackBuilder::end_stored() {
  return impl_->guarded([&] { return impl_->end_stored(); });
}

}  // namespace bale
