// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See the header. Whatever is in doubt is kept: archives whose pointer is lost, because that may be
// damage; and where the walk meets damage, everything.

#include "store/collect_roots.h"

#include <algorithm>

#include "base/error.h"
#include "base/try.h"
#include "hash/git_hash.h"
#include "object/percent.h"
#include "store/oid_list.h"
#include "store/record_chain.h"
#include "store/record_scan.h"
#include "store/store_impl.h"

namespace bale {
namespace {

constexpr std::uint64_t kListBytes = 4 << 20;
constexpr std::string_view kAdvice =
    "nothing is removed from a damaged store; bale repair mends it";

}  // namespace

CollectRoots::CollectRoots(const Store& store, std::uint64_t memory_bytes,
                           std::string scratch_directory, const Operation& operation)
    : store_(store),
      memory_bytes_(memory_bytes),
      scratch_directory_(std::move(scratch_directory)),
      operation_(operation),
      context_(memory_bytes / 8),
      list_context_(std::min(kListBytes, memory_bytes / 8)),
      missing_budget_(memory_bytes / 8) {}

Result<void> CollectRoots::read_pointers() {
  pointers_ = TRY(pointers_now());
  return {};
}

Result<CollectRoots::Pointers> CollectRoots::pointers_now() const {
  Pointers pointers;
  for (const std::string& name : TRY(store_.archive_pointers())) {
    const std::optional<ObjectId> id = TRY(store_.archive_pointer(name));
    if (id) pointers.emplace(name, *id);
  }
  return pointers;
}

Result<bool> CollectRoots::still_true() const {
  return TRY(pointers_now()) == pointers_;
}

Result<void> CollectRoots::mark(const std::vector<std::uint32_t>& sound) {
  closure_ = TRY(Closure::create(
      store_, {.memory_bytes = memory_bytes_ / 2,
               .scratch_directory = scratch_directory_,
               .shallow = &shallow_,
               .follow_shallow = true,
               .on_missing = [this](const MissingLink& link) { return on_missing(link); },
               .on_damage = [](const Error& error) -> Result<void> {
                 return fail(error.code, "{} ({})", error.message, kAdvice);
               },
               .operation = &operation_}));
  for (const auto& [name, id] : pointers_) TRY(add_chain(name, id));
  TRY(find_lost(sound));
  TRY(closure_->walk());
  return add_unreached();
}

Result<void> CollectRoots::on_missing(const MissingLink& link) const {
  const bool known = std::any_of(missing_.begin(), missing_.end(),
                                 [&](const auto& set) { return set.second.contains(link.oid); });
  if (known) return {};
  const Error error =
      store_.missing(fmt::format("{} {}", git_type_name(link.type), link.oid.to_hex()));
  return fail(error.code, "{}; {} needs it ({})", error.message, link.from, kAdvice);
}

Result<void> CollectRoots::find_lost(const std::vector<std::uint32_t>& sound) {
  const std::vector<RecoveredArchive> found =
      TRY(recover_archives(store_, sound,
                           {.memory_bytes = memory_bytes_ / 4,
                            .scratch_directory = scratch_directory_,
                            .operation = &operation_},
                           [&](const std::string& name) { return pointers_.contains(name); }));
  for (const RecoveredArchive& lost : found) {
    if (!lost.removed) lost_archives_.push_back(lost.name);
    TRY(add_chain(lost.name, lost.record));
  }
  return {};
}

Result<void> CollectRoots::add_chain(const std::string& name, const ObjectId& newest) {
  RecordChain chain = chain_from(store_, newest, context_);
  for (std::uint64_t back = 0;; ++back) {
    const Result<std::optional<ArchiveRecord>> entry = chain.next();
    if (!entry) {
      const Error error = record_error(name, back, entry.error());
      return fail(error.code, "{}; nothing is removed from a damaged store", error.message);
    }
    if (!*entry) break;
    records_.insert((*entry)->id);
    TRY(add_record(fmt::format("{}@{}", name, back), (*entry)->record));
  }
  if (chain.removal()) records_.insert(*chain.removal());
  return {};
}

Result<void> CollectRoots::add_record(const std::string& shown, const Record& record) {
  shallow_.insert(record.shallow.begin(), record.shallow.end());
  const GitHash hash = record.hash.value_or(GitHash::kSha1);
  if (record.missing.list && !missing_.contains(*record.missing.list)) {
    TRY(add_list(shown, *record.missing.list, hash));
    missing_.emplace(*record.missing.list, TRY(OidSet::load(store_, record.missing, hash,
                                                            list_context_, missing_budget_)));
  }
  if (record.unreached.list) {
    TRY(add_list(shown, *record.unreached.list, hash));
    unreached_.emplace_back(*record.unreached.list, shown);
  }
  for (const auto& [name, oid] : record.refs) {
    TRY(closure_->add(oid, shown + ", " + percent_encode(name)));
  }
  if (record.root) TRY(closure_->add(*record.root, shown + ", the root tree"));
  const Result<GitOid> detached = GitOid::from_hex(record.head);
  return detached ? closure_->add(*detached, shown + ", HEAD") : Result<void>();
}

// A list is a blob like any other, known to Git by an id that the record does not say.
Result<void> CollectRoots::add_list(const std::string& shown, const ObjectId& list, GitHash hash) {
  const auto location = store_.find(list);
  if (!location) {
    const Error error = store_.missing(fmt::format("{}: its list of ids {}", shown, list.to_hex()));
    return fail(error.code, "{} ({})", error.message, kAdvice);
  }
  std::optional<GitHasher> hasher;
  TRY(store_.read_object(*location, list_context_,
                         {.begin = [&](ObjectType type, std::uint64_t size) -> Result<void> {
                            hasher.emplace(hash, type, size);
                            return {};
                          },
                          .write = [&](Bytes piece) -> Result<void> {
                            hasher->update(piece);
                            return {};
                          }},
                         list));
  alone_.emplace_back(hasher->finish(), shown);
  return {};
}

// What stays whatever it leads to: only after the walk, which must not take it for looked at.
Result<void> CollectRoots::add_unreached() {
  for (const auto& [oid, shown] : alone_) TRY(closure_->add_alone(oid, shown));
  for (const auto& list : unreached_) {
    const std::string from = list.second + ", its objects without a ref";
    TRY(read_oid_list(store_, list.first, list_context_,
                      [&](const GitOid& oid) { return closure_->add_alone(oid, from); }));
  }
  return {};
}

Result<bool> CollectRoots::is_needed(const ObjectId& id, const std::optional<GitOid>& oid) {
  if (oid) return closure_->reached(*oid);
  return records_.contains(id);
}

}  // namespace bale
