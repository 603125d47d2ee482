// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Undoing a removal or a pruning. Neither takes records away, gc does; so what was released is
// found by what records say of each other:
//
//   1 <- 2 <- 3 <- removed               `previous` of the removal: 3
//
//   1 <- 2 <- 3
//        2' <- 3' <- 4                   3' `replaces` 3, which has a longer chain than 3'
//
// What is brought back ends in a copy of its newest record, which `replaces` the removal or the
// record that pruning put there; later records are copied on top of that:
//
//   1 <- 2 <- 3 <- removed
//        2 <- 3" (replaces the removal)
//
//   1 <- 2 <- 3          2' <- 3' <- 4
//        2 <- 3" (replaces 3') <- 4" (replaces 4)
//
// So recovery without pointers sees one record that no other names (archive_recovery.h): the newest
// copy.

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "object/printable.h"
#include "store/core/archive_change.h"
#include "store/core/closure.h"
#include "store/core/oid_list.h"
#include "store/core/oid_set.h"
#include "store/core/record_chain.h"
#include "store/core/ref_lists.h"
#include "store/core/staging_area.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

constexpr std::uint64_t kUndoListBytes = kAnyObjectBytes;
constexpr std::uint64_t kMinUndoBytes = 16 << 20;

// What is released may be gone; what cannot be found may also be in a pack that is damaged.
Error released_is_gone(const Snapshot& store, const std::string& name, const std::string& what) {
  if (store.damage().empty()) {
    return fail(
        ErrorCode::kNotFound, {HintKind::kRemoved},
        "{}: what was released from archive {} cannot be restored, because part of it is not "
        "in the store any more: {}",
        store.path(), name, what);
  }
  return fail(ErrorCode::kCorrupt, {HintKind::kPreviewRepair},
              "{}: what was released from archive {} is not whole, and packs of the store are "
              "damaged: {}",
              store.path(), name, what);
}

// What is damaged was damaged before it was released, and is better restored than not.
Result<void> ignore_damage(const Error& error) {
  if (error.code == ErrorCode::kCorrupt) return {};
  return error;
}

// Whether all is in the store that records reach.
class ReleasedCheck {
 public:
  ReleasedCheck(const Snapshot& store, const std::string& name, std::uint64_t memory_bytes)
      : store_(store),
        name_(name),
        memory_bytes_(memory_bytes),
        context_(kUndoListBytes),
        missing_budget_(memory_bytes / 4) {}

  Result<void> start(const std::string& scratch_directory, const Operation& operation);

  Result<void> add(const Record& record, std::uint64_t back);

  Result<void> run();

 private:
  Result<void> need_list(const ObjectId& list, const std::string& shown) const;
  [[nodiscard]] bool is_declared_missing(const GitOid& oid) const;
  Result<void> on_missing(const MissingLink& link) const;

  const Snapshot store_;
  const std::string& name_;
  std::uint64_t memory_bytes_;
  ReadContext context_;
  Budget missing_budget_;
  std::string scratch_directory_;
  std::set<GitOid> shallow_;
  std::map<ObjectId, OidSet> missing_;  // by their lists, which many records share
  std::set<ObjectId> unreached_;        // lists
  std::optional<Closure> closure_;
};

Result<void> ReleasedCheck::start(const std::string& scratch_directory,
                                  const Operation& operation) {
  scratch_directory_ = scratch_directory;
  closure_ = TRY(Closure::create(
      store_, {.memory_bytes = memory_bytes_ - memory_bytes_ / 4,
               .scratch_directory = scratch_directory,
               .shallow = &shallow_,
               .is_absent = [this](const GitOid& oid) { return is_declared_missing(oid); },
               .follow_shallow = true,
               .on_missing = [this](const MissingLink& link) { return on_missing(link); },
               .on_damage = ignore_damage,
               .operation = &operation}));
  return {};
}

bool ReleasedCheck::is_declared_missing(const GitOid& oid) const {
  return std::any_of(missing_.begin(), missing_.end(),
                     [&](const auto& list) { return list.second.contains(oid); });
}

Result<void> ReleasedCheck::on_missing(const MissingLink& link) const {
  return released_is_gone(store_, name_,
                          fmt::format("{} {} is in none of the packs; {} needs it",
                                      git_type_name(link.type), link.oid.to_hex(), link.from));
}

Result<void> ReleasedCheck::need_list(const ObjectId& list, const std::string& shown) const {
  if (store_.find(list)) return {};
  return released_is_gone(store_, name_, fmt::format("a list of {}", shown));
}

Result<void> ReleasedCheck::add(const Record& record, std::uint64_t back) {
  const std::string shown = fmt::format("{}@{} of before", name_, back);
  shallow_.insert(record.shallow.begin(), record.shallow.end());
  if (record.missing.list && !missing_.contains(*record.missing.list)) {
    TRY(need_list(*record.missing.list, shown));
    missing_.emplace(*record.missing.list,
                     TRY(OidSet::load(store_, record.missing, record.hash.value_or(GitHash::kSha1),
                                      context_, missing_budget_)));
  }
  if (record.unreached.list) {
    TRY(need_list(*record.unreached.list, shown));
    unreached_.insert(*record.unreached.list);
  }
  for (const ObjectId& list : record.ref_lists) TRY(need_list(list, shown));
  const auto add = [&](const GitOid& oid, const std::string& what) {
    return closure_->add(oid, shown + ", " + quoted_name(what));
  };
  return for_each_tip(store_, record, context_, scratch_directory_, add, ignore_damage);
}

Result<void> ReleasedCheck::run() {
  TRY(closure_->walk());
  for (const ObjectId& list : unreached_) {
    TRY(read_oid_list(store_, list, context_, [&](const GitOid& oid) {
      return closure_->add_alone(oid, "a list of objects without a ref");
    }));
  }
  return {};
}

class ArchiveUndo {
 public:
  ArchiveUndo(Store& store, const std::string& name, const ArchiveChangeOptions& options)
      : store_(store),
        name_(name),
        options_(options),
        change_(store, name, options, options.work.memory_bytes / 4) {}

  Result<UndoneChange> run();

 private:
  struct Kept {
    ObjectId id;
    std::optional<ObjectId> replaces;
  };

  // What to bring back.
  struct Target {
    ObjectId newest;        // of what was released
    ObjectId stands_there;  // the removal, or what pruning put in the place of `newest`
    std::size_t later = 0;  // how many records of the archive came after the change
    bool removal = false;
  };

  Result<void> read_chain();
  Result<Target> find_target();
  Result<std::optional<ObjectId>> find_longer(const ObjectId& from, std::uint64_t length);
  Result<std::uint64_t> length_of(const ObjectId& newest);
  Result<ArchiveRecord> released_record(const ObjectId& id);
  Result<void> check_released(const Target& target);

  Store& store_;
  const std::string& name_;
  const ArchiveChangeOptions& options_;
  ArchiveChange change_;
  std::vector<Kept> chain_;  // the archive's records now, newest first
  std::optional<ObjectId> removal_;
  std::map<ObjectId, std::uint64_t> lengths_;  // of chains, by their newest records
};

Result<UndoneChange> ArchiveUndo::run() {
  // Before the lock, which would leave a file for a name that never was.
  if (!TRY(store_.snapshot().archive_pointer(name_))) TRY_VOID(change_.newest());
  TRY(change_.lock());
  TRY(read_chain());
  const Target target = TRY(find_target());
  TRY(check_released(target));
  UndoneChange result{.removal = target.removal};
  const std::uint64_t length = TRY(length_of(target.newest));
  result.records = target.later + length;
  result.records_back = length - (target.removal ? 0 : chain_.size() - target.later);
  const Record newest = TRY(released_record(target.newest)).record;
  std::uint64_t number = length;
  result.record = TRY(change_.copy(target.newest, newest.previous, target.stands_there, number));
  for (std::size_t i = target.later; i-- > 0;) {
    result.record = TRY(change_.copy(chain_[i].id, result.record, chain_[i].id, ++number));
  }
  result.pack = TRY(change_.finish(result.record));
  return result;
}

Result<void> ArchiveUndo::read_chain() {
  const std::optional<ObjectId> pointer = TRY(store_.snapshot().archive_pointer(name_));
  RecordChain chain = chain_from(store_, pointer, change_.context());
  for (;;) {
    TRY(change_.go_on());
    const Result<std::optional<ArchiveRecord>> entry = chain.next();
    if (!entry) return record_error(name_, chain_.size(), entry.error());
    if (!*entry) break;
    chain_.push_back({(*entry)->id, (*entry)->record.replaces});
  }
  removal_ = chain.removal();
  return {};
}

Result<ArchiveUndo::Target> ArchiveUndo::find_target() {
  for (std::size_t i = 0; i < chain_.size(); ++i) {
    const std::optional<ObjectId> replaced = chain_[i].replaces;
    if (!replaced) continue;
    const auto longer = TRY(find_longer(*replaced, chain_.size() - i));
    if (longer) return Target{*longer, chain_[i].id, i, false};
  }
  if (removal_) {
    const std::optional<ObjectId> before = TRY(released_record(*removal_)).record.previous;
    if (before) return Target{*before, *removal_, chain_.size(), true};
  }
  return fail(ErrorCode::kNotFound,
              "{}: there is nothing to undo in archive {}: no removal or pruning of it is recorded",
              store_.path(), name_);
}

// The first record with a longer chain than `length`, of `from` and those that it replaces in turn.
Result<std::optional<ObjectId>> ArchiveUndo::find_longer(const ObjectId& from,
                                                         std::uint64_t length) {
  std::set<ObjectId> seen;
  std::optional<ObjectId> at = from;
  while (at && seen.insert(*at).second) {
    const ArchiveRecord entry = TRY(released_record(*at));
    if (entry.record.archive != name_) break;
    if (entry.record.kind == RecordKind::kRemoved) {
      // An undone one: what it removed was copied.
      at = entry.record.previous;
      continue;
    }
    if (TRY(length_of(*at)) > length) return at;
    at = entry.record.replaces;
  }
  return std::nullopt;
}

// Counts on from where it knows the length already, so that all in all each record is read once.
Result<std::uint64_t> ArchiveUndo::length_of(const ObjectId& newest) {
  std::vector<ObjectId> walked;
  std::uint64_t length = 0;
  for (std::optional<ObjectId> at = newest; at;) {
    TRY(change_.go_on());
    const auto known = lengths_.find(*at);
    if (known != lengths_.end()) {
      length = known->second;
      break;
    }
    const ArchiveRecord entry = TRY(released_record(*at));
    if (entry.record.kind == RecordKind::kRemoved) break;
    // Where hashes went round in a circle, it would end here.
    lengths_.emplace(*at, 0);
    walked.push_back(*at);
    at = entry.record.previous;
  }
  for (auto id = walked.rbegin(); id != walked.rend(); ++id) lengths_[*id] = ++length;
  return length;
}

Result<ArchiveRecord> ArchiveUndo::released_record(const ObjectId& id) {
  if (!store_.snapshot().find(id))
    return released_is_gone(store_, name_, "the record " + id.to_hex());
  return store_.snapshot().record(id, change_.context());
}

Result<void> ArchiveUndo::check_released(const Target& target) {
  const StagingArea scratch = TRY(StagingArea::create(store_.file_system(), layout_of(store_)));
  ReleasedCheck check(store_, name_, options_.work.memory_bytes / 2);
  TRY(check.start(scratch.path(), options_.work.operation));
  RecordChain chain(target.newest, [this](const ObjectId& id) { return released_record(id); });
  for (std::uint64_t back = 0;; ++back) {
    const std::optional<ArchiveRecord> entry = TRY(chain.next());
    if (!entry) break;
    TRY(check.add(entry->record, back));
  }
  return check.run();
}

}  // namespace

std::uint64_t smallest_undo_memory_bytes() {
  return std::max(smallest_archive_change_memory_bytes(), kMinUndoBytes);
}

Result<UndoneChange> undo_archive_change(Store& store, const std::string& name,
                                         const ArchiveChangeOptions& options) {
  TRY(check_archive_change(name, options, smallest_undo_memory_bytes()));
  return ArchiveUndo(store, name, options).run();
}

}  // namespace bale
