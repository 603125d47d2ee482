// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/record_chain.h"

#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "object/printable.h"

namespace bale {

Result<std::optional<ArchiveRecord>> RecordChain::next() {
  if (!next_) return std::optional<ArchiveRecord>();
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
    return std::optional<ArchiveRecord>();
  }
  next_ = entry.record.previous;
  return std::optional<ArchiveRecord>(std::move(entry));
}

RecordCount count_records(const Store& store, const ArchiveRecord& newest, ReadContext& context) {
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
    return fail(error.code, "{}: {}", back == 0 ? name : fmt::format("{}@{}", name, back),
                error.message);
  }
  if (back == 0) {
    return fail(error.code,
                "{}: {} (bale repair restores it; if it cannot, bale archive rm {} gives it up)",
                name, error.message, shell_word(name));
  }
  return fail(error.code,
              "{}@{}: {} (bale repair --from another store that has the record brings it back; "
              "bale archive prune {} --keep {} drops it and the older ones)",
              name, back, error.message, shell_word(name), back);
}

Result<void> for_each_tip(
    const Record& record,
    const std::function<Result<void>(const GitOid& oid, const std::string& what)>& use) {
  for (const auto& [name, oid] : record.refs) TRY(use(oid, name));
  if (record.root) TRY(use(*record.root, "the root tree"));
  const Result<GitOid> detached = GitOid::from_hex(record.head);
  if (detached) TRY(use(*detached, "HEAD"));
  return {};
}

RecordChain chain_from(const Store& store, const std::optional<ObjectId>& newest,
                       ReadContext& context) {
  return {newest, [&store, &context](const ObjectId& id) { return store.record(id, context); }};
}

}  // namespace bale
