// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See the header. The same walk as a check of the store makes (store_verifier.cc), for another end.

#include "store/repair/repair_lost.h"

#include <algorithm>

#include "base/error.h"
#include "base/try.h"
#include "object/printable.h"
#include "store/core/oid_list.h"
#include "store/core/record_chain.h"
#include "store/core/ref_lists.h"
#include "store/repair/repair_work.h"

namespace bale {
namespace {

constexpr std::size_t kMostErrors = 1000;
constexpr std::uint64_t kLostListBytes = kAnyObjectBytes;

}  // namespace

LostSearch::LostSearch(const Snapshot& store, LostSearchOptions options)
    : store_(store),
      options_(std::move(options)),
      context_(options_.memory_bytes / 4),
      list_context_(kLostListBytes),
      missing_budget_(options_.memory_bytes / 4) {}

bool LostSearch::is_wanted(const GitOid& oid) const {
  return std::none_of(missing_.begin(), missing_.end(),
                      [&](const auto& set) { return set.second.contains(oid); });
}

Result<void> LostSearch::lose(const GitOid& oid) {
  if (!is_wanted(oid) || oids_.contains(oid)) return {};
  more_ = more_ || oids_.size() >= options_.most_lost;
  if (!more_) oids_.insert(oid);
  return {};
}

void LostSearch::lose(const ObjectId& id, GitHash hash) {
  ids_.emplace(id, hash);
}

Result<void> LostSearch::note(const Error& error) {
  if (!is_damage(error)) return error;
  if (unreadable_.size() < kMostErrors) unreadable_.push_back(error);
  return {};
}

Result<void> LostSearch::run() {
  closure_ = TRY(Closure::create(
      store_, {.memory_bytes = options_.memory_bytes / 2 - kLostListBytes,
               .scratch_directory = options_.scratch_directory,
               .shallow = &shallow_,
               .follow_shallow = true,
               .on_missing = [this](const MissingLink& link) { return lose(link.oid); },
               .on_damage = [this](const Error& error) { return note(error); },
               .operation = options_.operation}));
  const Result<std::vector<std::string>> names = store_.archive_pointers();
  if (!names && !is_damage(names.error())) return names.error();
  std::set<std::string> archives;
  if (names) archives.insert(names->begin(), names->end());
  if (options_.pointers != nullptr) {
    for (const auto& [name, id] : *options_.pointers) archives.insert(name);
  }
  for (const std::string& name : archives) TRY(add_archive(name));
  TRY(closure_->walk());
  TRY(add_unreached());
  closure_.reset();
  return {};
}

Result<void> LostSearch::add_archive(const std::string& name) {
  const auto pointer = [&]() -> Result<std::optional<ObjectId>> {
    if (options_.pointers != nullptr && options_.pointers->contains(name)) {
      return options_.pointers->at(name);
    }
    return store_.archive_pointer(name);
  };
  const Result<std::optional<ObjectId>> newest = pointer();
  // Of a pointer that is damaged or cannot be read, repair_archives() told.
  if (!newest && newest.error().code != ErrorCode::kIo && !is_damage(newest.error())) {
    return newest.error();
  }
  if (!newest || !*newest) return {};
  std::optional<ObjectId> wanted;
  GitHash hash = GitHash::kSha1;
  RecordChain chain(*newest, [&](const ObjectId& id) -> Result<ArchiveRecord> {
    wanted = id;
    return store_.record(id, context_);
  });
  for (std::uint64_t back = 0;; ++back) {
    const Result<std::optional<ArchiveRecord>> entry = chain.next();
    if (!entry && wanted && !store_.find(*wanted)) {
      lose(*wanted, hash);
      records_.push_back({name, back, wanted->to_hex()});
      return {};
    }
    if (!entry) return note(record_error(name, back, entry.error()));
    if (!*entry) return {};
    hash = (*entry)->record.hash.value_or(hash);
    TRY(add_record(fmt::format("{}@{}", name, back), (*entry)->record));
  }
}

Result<void> LostSearch::add_record(const std::string& shown, const Record& record) {
  shallow_.insert(record.shallow.begin(), record.shallow.end());
  TRY(add_missing(shown, record));
  if (record.unreached.list) {
    if (store_.find(*record.unreached.list)) {
      unreached_.emplace_back(shown, *record.unreached.list);
    } else {
      lose(*record.unreached.list, record.hash.value_or(GitHash::kSha1));
    }
  }
  bool has_lists = true;
  for (const ObjectId& list : record.ref_lists) {
    if (store_.find(list)) continue;
    lose(list, record.hash.value_or(GitHash::kSha1));
    has_lists = false;
  }
  if (!has_lists) return {};
  const auto add = [&](const GitOid& oid, const std::string& what) {
    return closure_->add(oid, shown + ", " + quoted_name(what));
  };
  const Result<void> added =
      for_each_tip(store_, record, list_context_, options_.scratch_directory, add);
  return added ? added : note(fail(added.error(), "{}: {}", shown, added.error().message));
}

Result<void> LostSearch::add_missing(const std::string& shown, const Record& record) {
  if (!record.missing.list || !record.hash || missing_.contains(*record.missing.list)) return {};
  if (!store_.find(*record.missing.list)) {
    lose(*record.missing.list, *record.hash);
    return {};
  }
  Result<OidSet> missing =
      OidSet::load(store_, record.missing, *record.hash, context_, missing_budget_);
  if (!missing) return note(fail(missing.error(), "{}: {}", shown, missing.error().message));
  missing_.emplace(*record.missing.list, std::move(*missing));
  return {};
}

// After the walk, which must not take them for looked at.
Result<void> LostSearch::add_unreached() {
  for (const auto& [shown, list] : unreached_) {
    const std::string from = shown + ", its objects without a ref";
    const Result<void> listed = read_oid_list(
        store_, list, list_context_,
        [&](const GitOid& oid) -> Result<void> { return closure_->add_alone(oid, from); });
    if (!listed) TRY(note(listed.error()));
  }
  return {};
}

}  // namespace bale
