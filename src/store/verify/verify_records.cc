// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/verify/verify_records.h"

#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "store/core/record_chain.h"

namespace bale {
namespace {

// Equal for records that lack the same. Ids of both hashes differ in length, and a record has ids
// of one.
Digest hash_of_absence(const Record& record) {
  Blake3Hasher hasher;
  if (record.missing.list) hasher.update(record.missing.list->bytes());
  hasher.update(as_bytes(record.missing.list ? "+" : "-"));
  for (const GitOid& oid : std::set<GitOid>(record.shallow.begin(), record.shallow.end())) {
    hasher.update(oid.bytes());
  }
  return hasher.finish();
}

}  // namespace

std::vector<VerifyRecords::Pointer> VerifyRecords::read_pointers(
    const Snapshot& store, const std::vector<std::string>& names) {
  std::vector<Pointer> pointers;
  pointers.reserve(names.size());
  for (const std::string& name : names) pointers.push_back({name, store.archive_pointer(name)});
  return pointers;
}

std::string VerifyRecords::shown(const Entry& entry) const {
  return entry.back == 0 ? archive(entry) : fmt::format("{}@{}", archive(entry), entry.back);
}

Result<Record> VerifyRecords::record(const Entry& entry) {
  return std::move(TRY(store_.record(entry.id, context_)).record);
}

Result<void> VerifyRecords::read(const std::vector<Pointer>& pointers, VerifyFindings& findings) {
  for (const Pointer& pointer : pointers) {
    Entry entry{.archive = static_cast<std::uint32_t>(names_.size())};
    names_.push_back(pointer.name);
    if (!pointer.id) {
      TRY(findings.note_read(pointer.id.error()));
      continue;
    }
    RecordChain chain(*pointer.id, [&](const ObjectId& id) -> Result<ArchiveRecord> {
      ArchiveRecord read = TRY(store_.record(id, context_));
      if (read.record.archive == pointer.name) return read;
      return fail(ErrorCode::kCorrupt, "it leads to a record of the archive {}",
                  read.record.archive);
    });
    for (;; ++entry.back) {
      const Result<std::optional<ArchiveRecord>> read = chain.next();
      if (!read) {
        TRY(findings.note_read(fail(read.error(), "{}: {}", shown(entry), read.error().message)));
        break;
      }
      if (!*read) break;
      entry.id = (*read)->id;
      add(entry, (*read)->record);
    }
  }
  return {};
}

void VerifyRecords::add(const Entry& entry, const Record& record) {
  const auto [group, is_new] = group_of_.emplace(hash_of_absence(record), groups_.size());
  if (is_new) groups_.emplace_back();
  groups_[group->second].push_back(entry);
  if (record.missing.count == 0) return;
  if (missing_.empty() || missing_.back().name != archive(entry)) {
    missing_.push_back({.name = archive(entry)});
  }
  if (entry.back == 0) missing_.back().objects = record.missing.count;
  ++missing_.back().records;
}

Result<RecordAbsence> VerifyRecords::absence(const Group& group, Budget& budget) {
  const Record first = TRY(record(group.front()));
  RecordAbsence absence;
  absence.shallow.insert(first.shallow.begin(), first.shallow.end());
  if (first.missing.list && first.hash) {
    absence.missing = TRY(OidSet::load(store_, first.missing, *first.hash, context_, budget));
  }
  return absence;
}

}  // namespace bale
