// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/record_chain.h"

#include <utility>

#include "base/error.h"
#include "base/try.h"

namespace bale {

Result<std::optional<ArchiveRecord>> RecordChain::next() {
  if (!next_) return std::nullopt;
  const ObjectId id = *std::exchange(next_, std::nullopt);
  if (id == remembered_) {
    return fail(ErrorCode::kCorrupt, "the records before {} go round in a circle", id.to_hex());
  }
  if (++steps_ == remember_after_) {
    remembered_ = id;
    remember_after_ *= 2;
    steps_ = 0;
  }
  ArchiveRecord entry = TRY(read_(id));
  if (entry.record.kind == RecordKind::kRemoved) {
    removal_ = id;
    return std::nullopt;
  }
  next_ = entry.record.previous;
  return entry;
}

RecordCount count_records(const Snapshot& store, const ArchiveRecord& newest,
                          ReadContext& context) {
  if (newest.record.number > 0) return {.records = newest.record.number, .error = {}};
  RecordCount count{.records = 1, .error = {}};
  RecordChain chain = chain_from(store, newest.record.previous, context);
  for (;; ++count.records) {
    const Result<std::optional<ArchiveRecord>> entry = chain.next();
    if (!entry) count.error = entry.error();
    if (!entry || !*entry) return count;
    if ((*entry)->record.number > 0) {
      count.records += (*entry)->record.number;
      return count;
    }
  }
}

Error record_error(const std::string& name, std::uint64_t back, const Error& error) {
  if (error.code == ErrorCode::kInterrupted) return error;
  // What the system refuses to read, or the memory is too small for, is not lost.
  if (error.code != ErrorCode::kCorrupt && error.code != ErrorCode::kNotFound) {
    return fail(error, "{}: {}", back == 0 ? name : fmt::format("{}@{}", name, back),
                error.message);
  }
  if (back == 0) {
    return fail(error.code, {.kind = HintKind::kRepairOrRemove, .archive = name}, "{}: {}", name,
                error.message);
  }
  return fail(error.code, {.kind = HintKind::kRepairOrPrune, .archive = name, .keep = back},
              "{}@{}: {}", name, back, error.message);
}

RecordChain chain_from(const Snapshot& store, const std::optional<ObjectId>& newest,
                       ReadContext& context) {
  return {newest, [store, &context](const ObjectId& id) { return store.record(id, context); }};
}

}  // namespace bale
