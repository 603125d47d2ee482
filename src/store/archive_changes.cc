// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Removing and pruning archives. What makes both safe is what makes an import safe: records are in
// an installed pack before the archive's pointer names one of them, and the pointer moves in one
// step.

#include "bale/archive_changes.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "bale/archive_name.h"
#include "bale/record.h"
#include "base/error.h"
#include "base/try.h"
#include "store/locks.h"
#include "store/record_chain.h"
#include "store/record_mark.h"
#include "store/staged_pack.h"
#include "store/store_impl.h"

namespace bale {
namespace {

constexpr int kLevel = 3;
// To read a record of an archive with a few thousand refs.
constexpr std::uint64_t kMinReadBytes = 2 << 20;

class ArchiveChange {
 public:
  /// `store`, `name` and `options` must outlive it.
  ArchiveChange(Store& store, const std::string& name, const ArchiveChangeOptions& options)
      : store_(store),
        name_(name),
        options_(options),
        context_(options.memory_bytes - StagedPack::smallest_memory_bytes(kLevel)) {}

  Result<RemovedArchive> remove();
  Result<PrunedArchive> prune(std::uint64_t keep);

 private:
  Result<ObjectId> begin();
  Result<std::unique_ptr<StagedPack>> stage(GitHash hash);
  Result<std::string> finish(StagedPack& staged, const ObjectId& record);
  Result<ObjectId> copy_records(const std::vector<ObjectId>& newest_first,
                                std::unique_ptr<StagedPack>& staged);
  [[nodiscard]] Result<void> go_on() const;

  Store& store_;
  const std::string& name_;
  const ArchiveChangeOptions& options_;
  ReadContext context_;
  ImportLocks locks_;
};

// Takes the locks; the id of the archive's newest record.
Result<ObjectId> ArchiveChange::begin() {
  const auto newest = [this]() -> Result<ObjectId> {
    const std::optional<ObjectId> id = TRY(store_.newest_record(name_));
    if (id) return *id;
    // Says why.
    const ArchiveRecord record = TRY(store_.record(name_, 0, context_));
    return record.id;
  };
  // Asked before too, because a lock would leave a file for a name that never was.
  static_cast<void>(TRY(newest()));
  locks_ = TRY(lock_for_import(store_, name_, options_.operation));
  TRY(store_.refresh());
  return newest();
}

Result<std::unique_ptr<StagedPack>> ArchiveChange::stage(GitHash hash) {
  return StagedPack::create(store_, hash,
                            {.level = kLevel,
                             .memory_bytes = StagedPack::smallest_memory_bytes(kLevel),
                             .lanes = 1,
                             .sync = options_.sync,
                             .operation = options_.operation});
}

// Installs the pack and moves the archive; the pack's name.
Result<std::string> ArchiveChange::finish(StagedPack& staged, const ObjectId& record) {
  const InstalledPack installed = TRY(staged.install());
  TRY(move_archive(store_, name_, record, options_.sync));
  TRY(store_.refresh());
  return installed.name;
}

Result<void> ArchiveChange::go_on() const {
  if (options_.operation.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
  return {};
}

Result<RemovedArchive> ArchiveChange::remove() {
  const ObjectId newest = TRY(begin());
  Record record{
      .archive = name_,
      .kind = RecordKind::kRemoved,
      .time = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()),
      .previous = newest,
      .version = BALE_VERSION,
  };
  GitHash hash = GitHash::kSha1;  // of the Git index, which will be empty
  const Result<ArchiveRecord> removed = store_.record(newest, context_);
  if (removed) {
    hash = removed->record.hash.value_or(hash);
    // A clock may have been set back since, and recovery goes by time where packs were lost.
    record.time = std::max(record.time, removed->record.time);
  } else if (removed.error().code != ErrorCode::kCorrupt &&
             removed.error().code != ErrorCode::kLimitExceeded) {
    return removed.error();
  }
  TRY(go_on());
  const std::unique_ptr<StagedPack> staged = TRY(stage(hash));
  RemovedArchive result;
  result.record = TRY(staged->add_record(record));
  result.pack = TRY(finish(*staged, result.record));
  return result;
}

Result<PrunedArchive> ArchiveChange::prune(std::uint64_t keep) {
  PrunedArchive result;
  result.record = TRY(begin());
  std::vector<ObjectId> kept;  // newest first
  RecordChain chain = chain_from(store_, result.record, context_);
  for (;;) {
    TRY(go_on());
    const Result<std::optional<ArchiveRecord>> entry = chain.next();
    if (!entry) {
      if (kept.size() < keep) return record_error(name_, kept.size(), entry.error());
      if (entry.error().code == ErrorCode::kInterrupted) return entry.error();
      // What is dropped is read only to be counted.
      result.older_unreadable = true;
      break;
    }
    if (!*entry) break;
    if (kept.size() < keep) {
      kept.push_back((*entry)->id);
    } else {
      ++result.records_dropped;
    }
  }
  result.records_kept = kept.size();
  if (!result.changed()) return result;
  std::unique_ptr<StagedPack> staged;
  result.record = TRY(copy_records(kept, staged));
  result.pack = TRY(finish(*staged, result.record));
  return result;
}

// Copies the records into a new pack, oldest first, each naming the copy before it; the id of the
// newest copy.
Result<ObjectId> ArchiveChange::copy_records(const std::vector<ObjectId>& newest_first,
                                             std::unique_ptr<StagedPack>& staged) {
  std::optional<ObjectId> copied;
  for (auto id = newest_first.rbegin(); id != newest_first.rend(); ++id) {
    TRY(go_on());
    Record record = TRY(store_.record(*id, context_)).record;
    // Equal records give equal bytes, so other bytes hold what was not understood.
    if (id_of_record(as_bytes(encode_record(record)), store_.impl().records_are_marked()) != *id) {
      return fail(ErrorCode::kUnsupported,
                  "{}: the record {} of archive {} holds what this version of bale does not know "
                  "and cannot copy (version {} wrote it)",
                  store_.path(), id->to_hex(), name_,
                  record.version.empty() ? "?" : record.version);
    }
    record.previous = copied;
    record.number = static_cast<std::uint64_t>(id - newest_first.rbegin()) + 1;
    record.replaces = *id;
    if (staged == nullptr) staged = TRY(stage(record.hash.value_or(GitHash::kSha1)));
    copied = TRY(staged->add_record(record));
  }
  return *copied;
}

Result<void> check(const std::string& name, const ArchiveChangeOptions& options) {
  TRY(check_archive_name(name));
  if (options.memory_bytes >= smallest_archive_change_bytes()) return {};
  return fail(ErrorCode::kInvalidArgument,
              "changing an archive needs at least {} bytes of memory, and {} were allowed",
              smallest_archive_change_bytes(), options.memory_bytes);
}

}  // namespace

std::uint64_t smallest_archive_change_bytes() {
  return StagedPack::smallest_memory_bytes(kLevel) + kMinReadBytes;
}

Result<RemovedArchive> remove_archive(Store& store, const std::string& name,
                                      const ArchiveChangeOptions& options) {
  TRY(check(name, options));
  return ArchiveChange(store, name, options).remove();
}

Result<PrunedArchive> prune_archive(Store& store, const std::string& name, std::uint64_t keep,
                                    const ArchiveChangeOptions& options) {
  TRY(check(name, options));
  if (keep == 0) {
    return fail(ErrorCode::kInvalidArgument,
                "pruning keeps one record at least (bale archive rm removes an archive)");
  }
  return ArchiveChange(store, name, options).prune(keep);
}

}  // namespace bale
