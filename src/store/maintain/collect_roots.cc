// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See the header. Whatever is in doubt is kept: archives whose pointer is lost, because that may be
// damage; and what a damaged archive may reach behind what is damaged.

#include "store/maintain/collect_roots.h"

#include <algorithm>

#include "base/damage.h"
#include "base/error.h"
#include "base/try.h"
#include "hash/git_hash.h"
#include "object/printable.h"
#include "store/core/archive_recovery.h"
#include "store/core/oid_list.h"
#include "store/core/record_chain.h"
#include "store/core/record_scan.h"
#include "store/core/ref_lists.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

std::uint64_t read_bytes(std::uint64_t memory_bytes) {
  return std::max(kAnyObjectBytes, memory_bytes / 8);
}

constexpr std::size_t kMostLost = 10'000;

// `shown` is NAME or NAME@N.
Error refusal(const Error& error, std::string_view what, std::string_view shown) {
  return fail(error.code,
              {.kind = HintKind::kRepairWithSource,
               .archive = std::string(shown.substr(0, shown.find('@')))},
              "{}{}; nothing was removed, because it may need objects of any pack", what,
              error.message);
}

// What one record reaches, and what of that is lost.
class RecordReach {
 public:
  Result<void> find(const Snapshot& store, const Record& record, ReadContext& context,
                    const ClosureOptions& wanted) {
    ClosureOptions options = wanted;
    options.on_missing = [this](const MissingLink& link) -> Result<void> {
      if (lost_.size() < kMostLost) lost_.insert(link.oid);
      only_blobs_ = only_blobs_ && link.claims_type && link.type == ObjectType::kBlob;
      return {};
    };
    // It was found, so it is counted.
    options.on_damage = [this](const Error&) -> Result<void> {
      only_blobs_ = false;
      return {};
    };
    // An older version may not have counted what is behind such a link.
    options.on_mismatch = [this](const MismatchedLink&) -> Result<void> {
      mismatched_ = true;
      return {};
    };
    closure_ = TRY(Closure::create(store, std::move(options)));
    TRY(for_each_tip(
        store, record, context, wanted.scratch_directory,
        [&](const GitOid& oid, const std::string& what) { return closure_->add(oid, what); }));
    return closure_->walk();
  }

  [[nodiscard]] bool is_all(const Record& record) const {
    return !mismatched_ && lost_.size() < kMostLost &&
           closure_->object_count() + lost_.size() == record.objects;
  }

  [[nodiscard]] bool lost_only_blobs() const { return only_blobs_; }

  Result<void> contains(const GitOid& oid, bool& found) {
    found = lost_.contains(oid) || TRY(closure_->reached(oid));
    return {};
  }

 private:
  std::set<GitOid> lost_;
  bool only_blobs_ = true;
  bool mismatched_ = false;
  std::optional<Closure> closure_;
};

}  // namespace

CollectRoots::CollectRoots(const Snapshot& store, std::uint64_t memory_bytes,
                           std::string scratch_directory, const Operation& operation)
    : store_(store),
      memory_bytes_(memory_bytes),
      scratch_directory_(std::move(scratch_directory)),
      operation_(operation),
      context_(read_bytes(memory_bytes)),
      list_context_(kAnyObjectBytes),
      missing_budget_(memory_bytes / 8) {}

Result<void> CollectRoots::read_pointers() {
  pointers_ = TRY(pointers_now());
  return {};
}

Result<CollectRoots::Pointers> CollectRoots::pointers_now() const {
  Pointers pointers;
  ReadContext context(read_bytes(memory_bytes_));
  for (const std::string& name : TRY(store_.archive_pointers())) {
    const Result<std::optional<ObjectId>> id = store_.archive_pointer(name);
    // A file that is no pointer, or leads to the record of another archive, is like none: the
    // archive's records are found in the packs.
    if (!id && id.error().code == ErrorCode::kCorrupt) continue;
    if (!id) return id.error();
    if (!*id) continue;
    const Result<ArchiveRecord> newest = store_.record(**id, context);
    if (newest && newest->record.archive != name) continue;
    pointers.emplace(name, **id);
  }
  return pointers;
}

Result<bool> CollectRoots::still_true() const {
  return TRY(pointers_now()) == pointers_;
}

Result<void> CollectRoots::mark(const Snapshot& snapshot) {
  store_ = snapshot;
  closure_ = TRY(Closure::create(
      store_, {.memory_bytes = memory_bytes_ / 2,
               .scratch_directory = scratch_directory_,
               .on_missing = [this](const MissingLink& link) { return on_missing(link); },
               .on_damage = [this](const Error& error) -> Result<void> {
                 if (!doubt_) doubt_ = error;
                 return {};
               },
               .operation = &operation_}));
  for (const auto& [name, id] : pointers_) TRY(add_chain(name, id));
  TRY(find_lost(store_.pack_numbers()));
  TRY(add_partial());
  return add_unreached();
}

Result<void> CollectRoots::on_missing(const MissingLink& link) {
  if (missing_is_fine_ || doubt_) return {};
  const Error error =
      store_.missing(fmt::format("{} {}", git_type_name(link.type), link.oid.to_hex()));
  doubt_ = fail(error, "{}; {} needs it", error.message, link.from);
  return {};
}

// Whether the entry is a damaged copy of a record that was read from another pack.
bool CollectRoots::is_known_record(const ObjectLocation& at) const {
  const auto pack = open_pack(store_, at.pack);
  if (!pack) return false;
  const PackReader& reader = (*pack)->reader;
  for (std::uint64_t i = 0; i < reader.record_count(); ++i) {
    const Result<IndexRecord> record = reader.record(i);
    if (record && record->offset == at.offset) return records_.contains(record->id);
  }
  return false;
}

// Records that no pointer leads to: of archives whose pointer is lost, and of archives that an
// import has begun once more since, without knowing of the older records.
Result<void> CollectRoots::find_lost(const std::vector<std::uint32_t>& packs) {
  struct Stray {
    std::string archive;
    std::optional<ObjectId> previous;
  };

  ArchiveRecovery recovery;
  std::map<ObjectId, Stray> stray;  // of archives whose pointers are known
  std::set<ObjectId> named;
  TRY(for_each_record(
      store_, packs,
      {.memory_bytes = std::max(kMinRecordScanBytes, memory_bytes_ / 4),
       .scratch_directory = scratch_directory_,
       .operation = &operation_,
       .on_damage = [this](const ObjectLocation& at, const Error& error) -> Result<void> {
         if (is_known_record(at)) return {};
         return fail(error, "{} (it may be a record of an archive; nothing was removed)",
                     error.message);
       }},
      [&](const ObjectId& id, const Record& record) -> Result<void> {
        if (!pointers_.contains(record.archive)) {
          recovery.add(id, record);
          return {};
        }
        for (const auto& other : {record.previous, record.replaces}) {
          if (other) named.insert(*other);
        }
        if (!records_.contains(id) && record.kind != RecordKind::kRemoved) {
          stray.emplace(id, Stray{record.archive, record.previous});
        }
        return {};
      }));
  for (const RecoveredArchive& lost : recovery.archives()) {
    if (!lost.removed) lost_archives_.push_back(lost.name);
    TRY(add_chain(lost.name, lost.record));
  }
  for (const auto& [id, link] : stray) {
    if (named.contains(id) || removed_.contains(link.archive)) continue;
    // An import that died left a record that goes on from one of the archive's: nobody saw it.
    std::optional<ObjectId> before = link.previous;
    for (std::size_t steps = 0; before && stray.contains(*before) && steps < stray.size();
         ++steps) {
      before = stray.at(*before).previous;
    }
    if (before && records_.contains(*before)) continue;
    TRY(add_chain(link.archive, id));
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
      return fail(error, "{}; nothing is removed from a damaged store", error.message);
    }
    if (!*entry) break;
    records_.insert((*entry)->id);
    TRY(add_record(fmt::format("{}@{}", name, back), **entry));
  }
  if (chain.removal()) {
    records_.insert(*chain.removal());
    if (*chain.removal() == newest) removed_.insert(name);
  }
  TRY(closure_->walk());
  if (!doubt_) return {};
  if (!TRY(is_counted(newest))) TRY(keep_own_packs(name, newest));
  const Error doubt = *std::exchange(doubt_, std::nullopt);
  damaged_.push_back(fail(doubt.code, {HintKind::kRepairWithSource},
                          "archive {} is damaged: {} (what it needs stays)", name, doubt.message));
  return {};
}

// Whether each record of the archive reaches exactly what was found and what is known to be lost.
//
// A record never counts too few objects where its import listed all of them: what the import listed
// was compared with what links lead to. Where it added to the number of the record before, it may
// have taken an object of another archive for one that was counted, in a store that had lost some.
Result<bool> CollectRoots::is_counted(const ObjectId& newest) {
  std::optional<RecordReach> reach;
  RecordChain chain = chain_from(store_, newest, context_);
  while (const std::optional<ArchiveRecord> entry = TRY(chain.next())) {
    const Record& record = entry->record;
    if (record.unreached.count > 0) return false;
    if (!record.shallow.empty() || record.missing.count > 0) continue;  // see check_partial()
    bool is_covered = reach.has_value();
    TRY(for_each_tip(store_, record, list_context_, scratch_directory_,
                     [&](const GitOid& oid, const std::string&) {
                       return is_covered ? reach->contains(oid, is_covered) : Result<void>();
                     }));
    // What the newer record reaches, and nothing is hidden behind that.
    if (is_covered) continue;
    reach.emplace();
    TRY(reach->find(store_, record, list_context_,
                    {.memory_bytes = memory_bytes_ / 2,
                     .scratch_directory = scratch_directory_,
                     .operation = &operation_}));
    const bool is_first = !record.previous && !record.replaces;
    if (!reach->is_all(record) || !(is_first || reach->lost_only_blobs())) return false;
  }
  return true;
}

// An import that brought all the objects that it counts needs no other pack than its own. The pack
// must still be that of the import: maintenance that merges packs moves what is needed. Of more
// than one record nobody can tell: a later one may have found objects in any pack.
Result<void> CollectRoots::keep_own_packs(const std::string& name, const ObjectId& newest) {
  const Record record = TRY(store_.record(newest, context_)).record;
  const auto location = store_.find(newest);
  const bool is_alone = !record.previous && !record.replaces;
  const bool is_whole = record.missing.count == 0 && record.unreached.count == 0 &&
                        record.shallow.empty() && record.objects == record.objects_new;
  bool is_own = false;
  if (location && is_alone && is_whole) {
    const auto pack = open_pack(store_, location->pack);
    // Besides the objects, the pack has the list of the record's refs.
    is_own = pack && (*pack)->git_index &&
             (*pack)->git_index->record_count() == record.objects_new + record.ref_lists.size();
  }
  if (!is_own) {
    return refusal({ErrorCode::kCorrupt, doubt_->message},
                   "archive " + name + " is damaged: ", name);
  }
  whole_packs_.insert(location->pack);
  return {};
}

Result<void> CollectRoots::add_record(const std::string& shown, const ArchiveRecord& entry) {
  const Record& record = entry.record;
  TRY(add_lists(shown, record));
  if (!record.shallow.empty() || record.missing.count > 0) {
    partial_.emplace_back(entry.id, shown);
    return {};
  }
  return for_each_tip(store_, record, list_context_, scratch_directory_,
                      [&](const GitOid& oid, const std::string& what) {
                        return closure_->add(oid, shown + ", " + quoted_name(what));
                      });
}

Result<void> CollectRoots::add_lists(const std::string& shown, const Record& record) {
  const GitHash hash = record.hash.value_or(GitHash::kSha1);
  for (const ObjectId& list : record.ref_lists) TRY(add_list(shown, list, hash));
  if (record.missing.list) TRY(add_list(shown, *record.missing.list, hash));
  if (!record.unreached.list) return {};
  unreached_.emplace_back(*record.unreached.list, shown);
  return add_list(shown, *record.unreached.list, hash);
}

// Whether anything is missing that the record does not declare, by a walk of its own. What another
// record was made without says nothing about this one.
Result<void> CollectRoots::check_partial(const std::string& shown, const ObjectId& id) {
  const Record record = TRY(store_.record(id, context_)).record;
  const std::set<GitOid> shallow(record.shallow.begin(), record.shallow.end());
  Budget budget(missing_budget_.limit_bytes());
  OidSet missing;
  if (record.missing.list) {
    missing = TRY(OidSet::load(store_, record.missing, record.hash.value_or(GitHash::kSha1),
                               list_context_, budget));
  }
  const auto lacks = [&](const Error& error) {
    return refusal(error, shown + " is damaged: ", shown);
  };
  Closure closure = TRY(Closure::create(
      store_, {.memory_bytes = memory_bytes_ / 2,
               .scratch_directory = scratch_directory_,
               .shallow = &shallow,
               .is_absent = [&](const GitOid& oid) { return missing.contains(oid); },
               .on_missing = [&](const MissingLink& link) -> Result<void> {
                 return lacks(store_.missing(
                     fmt::format("{} {}", git_type_name(link.type), link.oid.to_hex())));
               },
               .on_damage = [&](const Error& error) -> Result<void> { return lacks(error); },
               .operation = &operation_}));
  TRY(for_each_tip(store_, record, list_context_, scratch_directory_,
                   [&](const GitOid& oid, const std::string& what) {
                     return closure.add(oid, shown + ", " + quoted_name(what));
                   }));
  return closure.walk();
}

// Marks what partial records reach, as far as it is there: after the whole ones, which must be
// found to lack nothing.
Result<void> CollectRoots::add_partial() {
  missing_is_fine_ = true;
  for (const auto& [id, shown] : partial_) {
    TRY(check_partial(shown, id));
    const Record record = TRY(store_.record(id, context_)).record;
    TRY(for_each_tip(store_, record, list_context_, scratch_directory_,
                     [&](const GitOid& oid, const std::string& what) {
                       return closure_->add(oid, shown + ", " + quoted_name(what));
                     }));
    TRY(closure_->walk());
    if (doubt_) return refusal(*doubt_, "", shown);
  }
  return {};
}

// A list is a blob like any other, known to Git by an id that the record does not say.
Result<void> CollectRoots::add_list(const std::string& shown, const ObjectId& list, GitHash hash) {
  if (!lists_.insert(list).second) return {};
  const auto location = store_.find(list);
  if (!location) {
    return refusal(store_.missing(fmt::format("{}: its list {}", shown, list.to_hex())), "", shown);
  }
  std::optional<GitHasher> hasher;
  const Result<void> read =
      store_.read_object(*location, list_context_,
                         {.begin = [&](ObjectType type, std::uint64_t size) -> Result<void> {
                            hasher.emplace(hash, type, size);
                            return {};
                          },
                          .write = [&](Bytes piece) -> Result<void> {
                            hasher->update(piece);
                            return {};
                          }},
                         list);
  if (!read && is_damage(read.error())) {
    return refusal(read.error(), fmt::format("{} is damaged: ", shown), shown);
  }
  TRY(read);
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
  return fail(ErrorCode::kCorrupt, {HintKind::kVerify}, "{}; nothing was removed", doubt_->message);
}

Result<bool> CollectRoots::is_needed(const ObjectId& id, const std::optional<GitOid>& oid) {
  // A record stays whatever an index says of it.
  if (records_.contains(id)) return true;
  return oid ? closure_->reached(*oid) : Result<bool>(false);
}

}  // namespace bale
