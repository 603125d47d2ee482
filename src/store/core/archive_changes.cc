// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Removing and pruning archives; undoing is in archive_undo.cc. What makes them safe is what makes
// an import safe: records are in an installed pack before the archive's pointer names one of them,
// and the pointer moves in one step.

#include "bale/archive_changes.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "bale/archive_name.h"
#include "bale/record.h"
#include "base/error.h"
#include "base/memory_size.h"
#include "base/try.h"
#include "store/core/archive_change.h"
#include "store/core/record_chain.h"
#include "store/core/record_mark.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

constexpr int kLevel = 3;

struct PrunePlan {
  PrunedArchive result;
  std::vector<ObjectId> kept;  // newest first
};

Result<PrunePlan> plan_prune(const Snapshot& store, const std::string& name, const ObjectId& newest,
                             std::uint64_t keep, const Operation& operation, ReadContext& context) {
  PrunePlan plan;
  plan.result.record = newest;
  RecordChain chain = chain_from(store, newest, context);
  for (;;) {
    if (operation.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    const Result<std::optional<ArchiveRecord>> entry = chain.next();
    if (!entry) {
      if (plan.kept.size() < keep) return record_error(name, plan.kept.size(), entry.error());
      if (entry.error().code == ErrorCode::kInterrupted) return entry.error();
      // What is dropped is read only to be counted.
      plan.result.older_unreadable = true;
      break;
    }
    if (!*entry) break;
    if (plan.kept.size() < keep) {
      plan.kept.push_back((*entry)->id);
    } else {
      ++plan.result.records_dropped;
    }
  }
  plan.result.records_kept = plan.kept.size();
  return plan;
}

Result<void> check_keep(std::uint64_t keep) {
  if (keep > 0) return {};
  return fail(ErrorCode::kInvalidArgument, {HintKind::kRemoveArchive},
              "pruning keeps one record at least");
}

// The id of the archive's newest record; kNotFound, and why, where there is none.
Result<ObjectId> newest_of(const Snapshot& store, const std::string& name, ReadContext& context) {
  const Result<std::optional<ObjectId>> pointer = store.newest_record(name);
  if (!pointer && pointer.error().code == ErrorCode::kCorrupt) {
    return record_error(name, 0, pointer.error());
  }
  const std::optional<ObjectId> id = TRY(pointer);
  if (id) {
    const Result<ArchiveRecord> newest = store.record(*id, context);
    if (!newest || newest->record.archive == name) return *id;
    return fail(ErrorCode::kCorrupt, {HintKind::kRepair},
                "{}: archive {}: its pointer leads to a record of the archive {}", store.path(),
                name, newest->record.archive);
  }
  // Says why.
  const ArchiveRecord record = TRY(store.record(name, 0, context));
  return record.id;
}

}  // namespace

std::uint64_t ArchiveChange::pack_memory_bytes() {
  return StagedPack::smallest_memory_bytes(kLevel);
}

Result<void> ArchiveChange::lock() {
  locks_ = TRY(lock_for_import(store_, name_, options_.work.operation));
  return store_.refresh();
}

Result<ObjectId> ArchiveChange::newest() {
  return newest_of(TRY(store_.fresh_snapshot()), name_, context_);
}

Result<ObjectId> ArchiveChange::add(const Record& record, GitHash hash) {
  if (staged_ == nullptr) {
    staged_ = TRY(StagedPack::create(store_, hash,
                                     {.level = kLevel,
                                      .memory_bytes = pack_memory_bytes(),
                                      .lanes = 1,
                                      .sync = options_.work.sync,
                                      .operation = options_.work.operation}));
  }
  return staged_->add_record(record);
}

Result<ObjectId> ArchiveChange::copy(const ObjectId& id, const std::optional<ObjectId>& previous,
                                     const ObjectId& replaces, std::uint64_t number) {
  TRY(go_on());
  Record record = TRY(store_.snapshot().record(id, context_)).record;
  // Equal records give equal bytes, so other bytes hold what was not understood.
  const std::string again = TRY(encode_record(record));
  if (id_of_record(as_bytes(again), records_are_marked(store_)) != id) {
    return fail(ErrorCode::kUnsupported,
                "{}: the record {} of archive {} holds what this version of bale does not know "
                "and cannot copy (version {} wrote it)",
                store_.path(), id.to_hex(), name_, record.version.empty() ? "?" : record.version);
  }
  record.previous = previous;
  record.replaces = replaces;
  record.number = number;
  return add(record, record.hash.value_or(GitHash::kSha1));
}

Result<std::string> ArchiveChange::finish(const ObjectId& record) {
  const InstalledPack installed = TRY(staged_->install());
  TRY(move_archive(store_, name_, record, options_.work.sync));
  TRY(store_.refresh());
  return installed.name;
}

Result<void> ArchiveChange::go_on() const {
  if (options_.work.operation.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
  return {};
}

Result<void> check_archive_change(const std::string& name, const ArchiveChangeOptions& options,
                                  std::uint64_t smallest) {
  TRY(check_archive_name(name));
  if (options.work.memory_bytes >= smallest) return {};
  return fail(ErrorCode::kInvalidArgument, "changing an archive needs at least {} of memory",
              memory_size(smallest));
}

std::uint64_t smallest_archive_change_memory_bytes() {
  return ArchiveChange::pack_memory_bytes() + ArchiveChange::kMinReadBytes;
}

Result<RemovedArchive> remove_archive(Store& store, const std::string& name,
                                      const ArchiveChangeOptions& options) {
  TRY(check_archive_change(name, options, smallest_archive_change_memory_bytes()));
  ArchiveChange change(store, name, options,
                       options.work.memory_bytes - ArchiveChange::pack_memory_bytes());
  // Asked before too, because a lock would leave a file for a name that never was.
  TRY_VOID(change.newest());
  TRY(change.lock());
  const ObjectId newest = TRY(change.newest());
  Record record{
      .archive = name,
      .kind = RecordKind::kRemoved,
      .time = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()),
      .previous = newest,
      .version = BALE_VERSION,
  };
  GitHash hash = GitHash::kSha1;
  const Result<ArchiveRecord> removed = store.snapshot().record(newest, change.context());
  if (removed) {
    hash = removed->record.hash.value_or(hash);
    // A clock may have been set back since, and recovery goes by time where packs were lost.
    record.time = std::max(record.time, removed->record.time);
  } else if (removed.error().code != ErrorCode::kCorrupt &&
             removed.error().code != ErrorCode::kLimitExceeded) {
    return removed.error();
  }
  TRY(change.go_on());
  RemovedArchive result;
  result.record = TRY(change.add(record, hash));
  result.pack = TRY(change.finish(result.record));
  return result;
}

Result<PrunedArchive> prune_archive(Store& store, const std::string& name, std::uint64_t keep,
                                    const ArchiveChangeOptions& options) {
  TRY(check_archive_change(name, options, smallest_archive_change_memory_bytes()));
  TRY(check_keep(keep));
  ArchiveChange change(store, name, options,
                       options.work.memory_bytes - ArchiveChange::pack_memory_bytes());
  TRY_VOID(change.newest());
  TRY(change.lock());
  PrunePlan plan = TRY(plan_prune(store, name, TRY(change.newest()), keep, options.work.operation,
                                  change.context()));
  PrunedArchive& result = plan.result;
  if (!result.changed()) return result;
  // Oldest first, each naming the copy before it.
  std::optional<ObjectId> copied;
  std::uint64_t number = 0;
  for (auto id = plan.kept.rbegin(); id != plan.kept.rend(); ++id) {
    copied = TRY(change.copy(*id, copied, *id, ++number));
  }
  result.record = *copied;
  result.pack = TRY(change.finish(result.record));
  return result;
}

Result<PrunedArchive> predict_prune(const Snapshot& store, const std::string& name,
                                    std::uint64_t keep, const ArchiveChangeOptions& options) {
  TRY(check_archive_change(name, options, smallest_archive_change_memory_bytes()));
  TRY(check_keep(keep));
  ReadContext context(options.work.memory_bytes - ArchiveChange::pack_memory_bytes());
  const ObjectId newest = TRY(newest_of(store, name, context));
  return TRY(plan_prune(store, name, newest, keep, options.work.operation, context)).result;
}

}  // namespace bale
