// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See the header. Whatever is in doubt is kept: archives whose pointer is lost, because that may be
// damage; and what a damaged archive may reach behind what is damaged.

#include "store/collect_roots.h"

#include <algorithm>

#include "base/error.h"
#include "base/try.h"
#include "hash/git_hash.h"
#include "object/printable.h"
#include "store/oid_list.h"
#include "store/record_chain.h"
#include "store/record_scan.h"
#include "store/store_impl.h"

namespace bale {
namespace {

constexpr std::uint64_t kListBytes = 4 << 20;
constexpr std::string_view kAdvice =
    "nothing was removed, because this archive shares objects with others and may need any of "
    "them; bale repair --from its source restores what is missing, bale archive rm gives it up";

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
               .on_damage = [this](const Error& error) -> Result<void> {
                 if (!doubt_) doubt_ = error;
                 return {};
               },
               .operation = &operation_}));
  for (const auto& [name, id] : pointers_) TRY(add_chain(name, id));
  TRY(find_lost(sound));
  return add_unreached();
}

Result<void> CollectRoots::on_missing(const MissingLink& link) {
  if (missing_is_fine_ || doubt_) return {};
  const bool known = std::any_of(missing_.begin(), missing_.end(),
                                 [&](const auto& set) { return set.second.contains(link.oid); });
  if (known) return {};
  const Error error =
      store_.missing(fmt::format("{} {}", git_type_name(link.type), link.oid.to_hex()));
  doubt_ = fail(error.code, "{}; {} needs it", error.message, link.from);
  return {};
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

// Walked archive by archive, so that damage is known to be one's.
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
  TRY(closure_->walk());
  if (!doubt_) return {};
  TRY(keep_own_packs(name, newest));
  damaged_.push_back(*std::exchange(doubt_, std::nullopt));
  return {};
}

// An import that brought all the objects that it counts, but for those that the imports of this
// archive before it had brought, needs no other packs than theirs. The packs must still be those of
// the imports: maintenance that merges packs also moves what is needed.
Result<void> CollectRoots::keep_own_packs(const std::string& name, const ObjectId& newest) {
  const auto shared = [&] {
    return fail(ErrorCode::kCorrupt, "archive {} is damaged: {} ({})", name, doubt_->message,
                kAdvice);
  };
  RecordChain chain = chain_from(store_, newest, context_);
  std::set<std::uint32_t> packs;
  std::optional<std::uint64_t> expected;  // what the next older record must count
  while (const std::optional<ArchiveRecord> entry = TRY(chain.next())) {
    const Record& record = entry->record;
    const auto location = store_.find(entry->id);
    const bool is_whole = record.missing.count == 0 && record.unreached.count == 0;
    if (!location || !is_whole || record.replaces || record.objects < record.objects_new ||
        (expected && *expected != record.objects)) {
      return shared();
    }
    const auto pack = store_.impl().open(location->pack);
    if (!pack || !(*pack)->git_index || (*pack)->git_index->record_count() != record.objects_new) {
      return shared();
    }
    packs.insert(location->pack);
    expected = record.objects - record.objects_new;
  }
  if (expected.value_or(0) != 0) return shared();
  whole_packs_.merge(packs);
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
    TRY(closure_->add(oid, shown + ", " + quoted_name(name)));
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

// Objects without a ref, and lists. What they lead to stays too, as far as it is there: some of it
// had gone from the source before.
Result<void> CollectRoots::add_unreached() {
  missing_is_fine_ = true;
  for (const auto& [oid, shown] : alone_) TRY(closure_->add(oid, shown));
  for (const auto& list : unreached_) {
    const std::string from = list.second + ", its objects without a ref";
    TRY(read_oid_list(store_, list.first, list_context_,
                      [&](const GitOid& oid) { return closure_->add(oid, from); }));
    TRY(closure_->walk());
  }
  TRY(closure_->walk());
  if (!doubt_) return {};
  return fail(ErrorCode::kCorrupt, "{} (nothing was removed; bale repair mends it)",
              doubt_->message);
}

Result<bool> CollectRoots::is_needed(const ObjectId& id, const std::optional<GitOid>& oid) {
  // A record stays whatever an index says of it.
  if (records_.contains(id)) return true;
  return oid ? closure_->reached(*oid) : Result<bool>(false);
}

}  // namespace bale
