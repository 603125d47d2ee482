// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See repair_work.h. What a pointer should say, the records say themselves (archive_recovery.h);
// where a pointer leads to a record, nobody knows better than it.

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "store/core/record_scan.h"
#include "store/core/staged_pack.h"
#include "store/core/staging_area.h"
#include "store/core/store_impl.h"
#include "store/repair/repair_fetch.h"
#include "store/repair/repair_work.h"

namespace bale {
namespace {

class ArchiveRepair {
 public:
  ArchiveRepair(RepairWork& work, Store& store)
      : work_(work), store_(store), context_(work.options.work.memory_bytes / 4) {}

  Result<void> run();

 private:
  // Why an archive's pointer is no good.
  struct Wanted {
    std::string why;
    std::optional<ObjectId> record;  // which it leads to
  };

  Result<void> read_pointers();
  Result<bool> fetch_records();
  Result<void> recover(const RecoveredArchive& archive);
  Result<void> set_pointer_aside(const std::string& name);
  Result<void> give_up(const std::string& name, const Wanted& wanted);

  RepairWork& work_;
  Store& store_;
  ReadContext context_;
  std::set<std::string> good_;
  std::map<std::string, Wanted> wanted_;
};

Result<void> ArchiveRepair::run() {
  TRY(read_pointers());
  if (TRY(fetch_records())) {
    TRY(store_.refresh());
    wanted_.clear();
    TRY(read_pointers());
  }
  std::vector<RecoveredArchive> found;
  // In packs that are not mended, of which the forecast tells.
  std::function<Result<void>(const ObjectLocation&, const Error&)> on_damage;
  if (work_.options.dry_run) on_damage = [](const auto&, const auto&) { return Result<void>(); };
  // A pack that could be read a moment ago and cannot now may have the newest record of any
  // archive.
  const std::shared_ptr<const PackSet> packs = packs_of(store_);
  if (const auto* const unread = packs->inaccessible()) return unread->error;
  {
    const StagingArea scratch = TRY(work_.scratch());
    found = TRY(recover_archives(
        store_, packs->numbers(),
        {.memory_bytes = work_.options.work.memory_bytes / 2,
         .scratch_directory = scratch.path(),
         .operation = &work_.options.work.operation,
         .on_damage = on_damage},
        [&](const std::string& name) { return good_.contains(name); }, work_.forecast.records));
  }
  for (const RecoveredArchive& archive : found) {
    TRY(recover(archive));
    wanted_.erase(archive.name);
  }
  for (const auto& [name, wanted] : wanted_) TRY(give_up(name, wanted));
  return {};
}

Result<void> ArchiveRepair::read_pointers() {
  const Result<std::vector<std::string>> names = store_.snapshot().archive_pointers();
  if (!names && (!work_.options.dry_run || !is_damage(names.error()))) return names.error();
  if (!names) return {};  // archives/ would be made
  for (const std::string& name : *names) {
    const Result<std::optional<ObjectId>> id = store_.snapshot().archive_pointer(name);
    if (!id && id.error().code == ErrorCode::kIo) {
      work_.leave_alone(id.error());
      good_.insert(name);
      continue;
    }
    if (!id && !is_damage(id.error())) return id.error();
    if (!id) {
      wanted_[name] = {"its pointer was damaged", std::nullopt};
      continue;
    }
    if (!*id) continue;  // it went meanwhile
    const Result<ArchiveRecord> record = store_.snapshot().record(**id, context_);
    const auto foretold = work_.forecast.archive_of_record.find(**id);
    const bool will_be_good =
        foretold != work_.forecast.archive_of_record.end() && foretold->second == name;
    if ((record && record->record.archive == name) || (!record && will_be_good)) {
      good_.insert(name);
    } else if (record) {
      wanted_[name] = {
          fmt::format("its pointer led to a record of the archive {}", record->record.archive),
          std::nullopt};
    } else if (is_damage(record.error())) {
      wanted_[name] = {fmt::format("its newest record {} is lost", (*id)->to_hex()), *id};
    } else {
      return record.error();
    }
  }
  return {};
}

// Another store may have the records that pointers lead to; then nothing is given up.
Result<bool> ArchiveRepair::fetch_records() {
  if (work_.options.from == nullptr || work_.options.dry_run) return false;
  std::set<ObjectId> records;
  for (const auto& [name, wanted] : wanted_) {
    if (wanted.record) records.insert(*wanted.record);
  }
  return LostFetcher(work_, store_).fetch(records);
}

// Whatever has the name of the pointer. In damaged/ there are no directories of names.
Result<void> ArchiveRepair::set_pointer_aside(const std::string& name) {
  std::string flat_name = name;
  std::replace(flat_name.begin(), flat_name.end(), '/', kArchiveDirectorySuffix);
  TRY(work_.set_aside(work_.layout.archive(name), flat_name));
  for (const std::string& directory : work_.layout.archive_directories(name)) {
    const Result<FileInfo> there = work_.files.stat(directory);
    if (!there || there->kind == FileKind::kDirectory) continue;
    TRY(work_.set_aside(directory, flat_name));
  }
  return {};
}

// The pointer that is there steps aside: a crash before the new one is there leaves none, and the
// next repair goes on from that.
Result<void> ArchiveRepair::recover(const RecoveredArchive& archive) {
  const auto wanted = wanted_.find(archive.name);
  work_.note(fmt::format("archive {}: {}; now it is {}", archive.name,
                         wanted == wanted_.end() ? "its pointer was missing" : wanted->second.why,
                         archive.removed ? "removed, as its last record says"
                                         : "at record " + archive.record.to_hex()));
  if (!archive.removed) work_.summary.archives_recovered.push_back(archive.name);
  if (wanted != wanted_.end() && wanted->second.record) {
    work_.summary.archives_gone_back.push_back(archive.name);
  }
  TRY(set_pointer_aside(archive.name));
  work_.forecast.pointers[archive.name] = archive.record;
  if (work_.options.dry_run) return {};
  return move_archive(store_, archive.name, archive.record, work_.options.work.sync);
}

// A pointer to a lost record stays: another store may have the record. Any other one is of no use.
Result<void> ArchiveRepair::give_up(const std::string& name, const Wanted& wanted) {
  work_.note(fmt::format("archive {}: {}, and no record of it is in the packs", name, wanted.why));
  work_.summary.archives_lost.push_back(name);
  return wanted.record ? Result<void>() : set_pointer_aside(name);
}

}  // namespace

Result<void> repair_archives(RepairWork& work, Store& store) {
  return ArchiveRepair(work, store).run();
}

}  // namespace bale
