// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "bale/store_statistics.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "format/container.h"
#include "store/core/record_chain.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

double ratio(std::uint64_t whole, std::uint64_t part) {
  return part == 0 ? 0 : static_cast<double>(whole) / static_cast<double>(part);
}

Result<void> count_archives(const Snapshot& store, ReadContext& context, const Operation& operation,
                            StoreStatistics& statistics) {
  for (const std::string& name : TRY(store.archives())) {
    ++statistics.archives;
    const Result<std::optional<ObjectId>> id = store.newest_record(name);
    if (!id) {
      statistics.errors.push_back(record_error(name, 0, id.error()));
      continue;
    }
    RecordChain chain = chain_from(store, *id, context);
    for (std::uint64_t back = 0;; ++back) {
      if (operation.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
      const Result<std::optional<ArchiveRecord>> entry = chain.next();
      if (!entry) statistics.errors.push_back(record_error(name, back, entry.error()));
      if (!entry || !*entry) break;
      const Record& record = (*entry)->record;
      ++statistics.records;
      if (back == 0) statistics.archive_objects += record.objects;
      if (back == 0) statistics.missing += record.missing.count;
      statistics.archive_objects_new += record.objects_new;
    }
  }
  return {};
}

// Tells the records of a pack from its tags: both are actions, and records have no Git ids. Actions
// are gathered, a good many at a time, and looked for in the Git index in one pass.
class RecordCounter {
 public:
  RecordCounter(const std::optional<GitIndexView>& index, TypeStatistics& records)
      : index_(index), records_(records) {}

  void add(const EntryInfo& action) {
    actions_.push_back({action.offset, action.size, action.stored_size});
    if (actions_.size() == kMostActions) count();
  }

  void count() {
    // Without the index nobody can say, and tags are far more frequent.
    if (index_ && !actions_.empty()) {
      std::vector<bool> is_tag(actions_.size());
      for (std::uint64_t i = 0; i < index_->record_count(); ++i) {
        const std::uint64_t offset = index_->offset(i);
        const auto at = std::lower_bound(
            actions_.begin(), actions_.end(), offset,
            [](const Action& action, std::uint64_t wanted) { return action.offset < wanted; });
        if (at != actions_.end() && at->offset == offset) {
          is_tag[static_cast<std::size_t>(at - actions_.begin())] = true;
        }
      }
      index_->release_pages();
      for (std::size_t i = 0; i < actions_.size(); ++i) {
        if (is_tag[i]) continue;
        ++records_.objects;
        records_.bytes += actions_[i].size;
        records_.stored_bytes += actions_[i].stored_size;
      }
    }
    actions_.clear();
  }

 private:
  struct Action {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint64_t stored_size = 0;
  };

  static constexpr std::size_t kMostActions = 1 << 14;

  const std::optional<GitIndexView>& index_;
  TypeStatistics& records_;
  std::vector<Action> actions_;  // by offset
};

Result<void> count_entries(const StoredPack& stored, ReadContext& context,
                           const Operation& operation, StoreStatistics& statistics) {
  const PackReader& pack = stored.reader;
  RecordCounter records(stored.git_index, statistics.record_entries);
  std::uint64_t offset = kHeaderBytes;
  for (std::uint64_t i = 0; i < pack.entry_count(); ++i) {
    if (operation.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    const EntryInfo info = TRY(pack.info_at(offset, context));
    TypeStatistics& type = statistics.types.at(static_cast<std::size_t>(info.type));
    ++type.objects;
    type.bytes += info.size;
    type.stored_bytes += info.stored_size;
    if (info.type == ObjectType::kAction) records.add(info);
    ++statistics.objects;
    const auto depth = static_cast<std::size_t>(info.depth);
    if (depth > 0) ++statistics.deltas;
    if (statistics.objects_by_depth.size() <= depth) statistics.objects_by_depth.resize(depth + 1);
    ++statistics.objects_by_depth[depth];
    offset += info.entry_bytes;
    operation.progress({.phase = "counting objects", .objects = statistics.objects});
  }
  records.count();
  return {};
}

Result<void> count_pack(const Snapshot& store, std::uint32_t number, ReadContext& context,
                        const Operation& operation, StoreStatistics& statistics) {
  const std::shared_ptr<const StoredPack> pack = TRY(open_pack(store, number));
  const FileInfo index = TRY(store.file_system().stat(layout_of(store).index(pack->name)));
  ++statistics.packs;
  statistics.pack_bytes += pack->reader.pack_bytes();
  statistics.index_bytes += index.size;
  if (pack->git_index) statistics.index_bytes += pack->git_index->file_bytes();
  return count_entries(*pack, context, operation, statistics);
}

}  // namespace

std::uint64_t StoreStatistics::bytes() const {
  std::uint64_t sum = 0;
  for (const TypeStatistics& type : types) sum += type.bytes;
  return sum;
}

std::uint64_t StoreStatistics::stored_bytes() const {
  std::uint64_t sum = 0;
  for (const TypeStatistics& type : types) sum += type.stored_bytes;
  return sum;
}

double StoreStatistics::compression_ratio() const {
  return ratio(bytes(), stored_bytes());
}

double StoreStatistics::dedup_ratio() const {
  return ratio(archive_objects, archive_objects_new);
}

Result<StoreStatistics> store_statistics(const Snapshot& store, const WorkOptions& work) {
  StoreStatistics statistics;
  ReadContext context(work.memory_bytes);
  const std::shared_ptr<const PackSet> packs = packs_of(store);
  for (const PackSet::Damage& damage : packs->damage()) {
    if (!damage.pack.empty()) statistics.errors.push_back(damage.error);
  }
  TRY(count_archives(store, context, work.operation, statistics));
  for (const std::uint32_t number : packs->numbers()) {
    const Result<void> counted = count_pack(store, number, context, work.operation, statistics);
    if (counted) continue;
    const ErrorCode code = counted.error().code;
    if (code != ErrorCode::kCorrupt && code != ErrorCode::kIo) return counted.error();
    statistics.errors.push_back(counted.error());
  }
  return statistics;
}

}  // namespace bale
