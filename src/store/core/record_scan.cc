// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Records are what lies in packs and Git does not know. So where they lie the indexes say: an index
// leads to every entry, the Git index to all others. Both are sorted by offset, and the packs
// themselves are not walked over.

#include "store/core/record_scan.h"

#include <algorithm>
#include <optional>

#include "base/budget.h"
#include "base/damage.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/try.h"
#include "io/page_release.h"
#include "scratch/external_sorter.h"
#include "store/core/record_mark.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

// Of a pack, or of what was read of one.
bool is_lost_or_unreadable(const Error& error) {
  return is_damage(error) || is_unreadable(error);
}

class RecordScan {
 public:
  using Use = std::function<Result<void>(const ObjectId&, const Record&)>;

  RecordScan(const Snapshot& store, const RecordScanOptions& options, const Use& use)
      : store_(store),
        options_(options),
        use_(use),
        context_(std::max(kAnyObjectBytes, options.memory_bytes / 2)),
        budget_(std::min(options.memory_bytes / 2, options.memory_bytes - kAnyObjectBytes)) {}

  Result<void> scan(std::uint32_t number);

 private:
  // An offset, and who leads to it: those of the Git index come first.
  using Sorter = ExternalSorter<16>;
  static constexpr std::uint32_t kGitIndex = 0;
  static constexpr std::uint32_t kIndex = 1;

  Result<void> add_offsets(const StoredPack& pack, Sorter& by_offset) const;
  Result<void> look_at(const ObjectLocation& location);
  Result<std::optional<Record>> read(const ObjectLocation& location, ObjectId& id);

  static Result<void> add(Sorter& by_offset, std::uint64_t offset, std::uint32_t from) {
    Sorter::Record record{};
    store_be<std::uint64_t>(record.data(), offset);
    store_be<std::uint32_t>(record.data() + 8, from);
    return by_offset.add(record);
  }

  // Between many records of an index.
  [[nodiscard]] Result<void> rest() const {
    if (options_.operation->cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    options_.operation->progress({.phase = "looking for records"});
    return {};
  }

  const Snapshot store_;
  const RecordScanOptions& options_;
  const Use& use_;
  ReadContext context_;
  Budget budget_;
};

Result<void> RecordScan::scan(std::uint32_t number) {
  const Result<std::shared_ptr<const StoredPack>> opened = open_pack(store_, number);
  if (!opened && options_.on_damage && is_lost_or_unreadable(opened.error())) return {};
  if (!opened) return opened.error();
  Sorter by_offset = TRY(Sorter::create(budget_, {.memory_bytes = budget_.limit_bytes(),
                                                  .file_system = &store_.file_system(),
                                                  .scratch_directory = options_.scratch_directory,
                                                  .operation = options_.operation}));
  TRY(add_offsets(**opened, by_offset));
  TRY(by_offset.sort());
  std::optional<std::uint64_t> known;  // the last offset that a Git id leads to
  while (const Sorter::Record* record = TRY(by_offset.next())) {
    const auto offset = load_be<std::uint64_t>(record->data());
    if (load_be<std::uint32_t>(record->data() + 8) == kGitIndex) {
      known = offset;
    } else if (known != offset) {
      TRY(look_at({number, offset}));
    }
  }
  return {};
}

Result<void> RecordScan::add_offsets(const StoredPack& pack, Sorter& by_offset) const {
  for (std::uint64_t i = 0; i < pack.reader.record_count(); ++i) {
    if (i % kRecordsPerRelease == 0) {
      TRY(rest());
      pack.reader.release_pages();
    }
    const Result<IndexRecord> record = pack.reader.record(i);
    if (record) {
      TRY(add(by_offset, record->offset, kIndex));
    } else if (!options_.on_damage || !is_lost_or_unreadable(record.error())) {
      return record.error();
    }
  }
  pack.reader.release_pages();
  if (!pack.git_index) return {};
  const GitIndexView& index = *pack.git_index;
  for (std::uint64_t i = 0; i < index.record_count(); ++i) {
    if (i % kRecordsPerRelease == 0) {
      TRY(rest());
      index.release_pages();
    }
    TRY(add(by_offset, index.offset(i), kGitIndex));
  }
  index.release_pages();
  return {};
}

Result<void> RecordScan::look_at(const ObjectLocation& location) {
  if (options_.operation->cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
  ObjectId id;
  const Result<std::optional<Record>> record = read(location, id);
  if (record) return *record ? use_(id, **record) : Result<void>();
  if (!options_.on_damage || !is_lost_or_unreadable(record.error())) return record.error();
  return options_.on_damage(location, record.error());
}

Result<std::optional<Record>> RecordScan::read(const ObjectLocation& location, ObjectId& id) {
  // What is stored as a delta has its base's type, which only its chain tells.
  const EntryInfo info = TRY(store_.info(location, context_));
  if (info.type != ObjectType::kAction) return std::nullopt;
  const std::optional<ObjectView> object =
      TRY(get_record({.id = info.id,
                      .size = info.size,
                      .get = [&] { return store_.get(location, context_); },
                      .read =
                          [&](const PackReader::PayloadSink& sink) {
                            return store_.read(location, context_, sink);
                          }},
                     records_are_marked(store_)));
  if (!object) return std::nullopt;
  Result<Record> record = decode_record(object->payload);
  if (!record) return std::nullopt;
  id = object->id;
  return std::move(*record);
}

}  // namespace

Result<void> for_each_record(
    const Snapshot& store, const std::vector<std::uint32_t>& packs,
    const RecordScanOptions& options,
    const std::function<Result<void>(const ObjectId&, const Record&)>& use) {
  RecordScan scan(store, options, use);
  for (const std::uint32_t number : packs) TRY(scan.scan(number));
  return {};
}

Result<std::vector<RecoveredArchive>> recover_archives(
    const Snapshot& store, const std::vector<std::uint32_t>& packs,
    const RecordScanOptions& options,
    const std::function<bool(const std::string& archive)>& is_known, ArchiveRecovery recovery) {
  TRY(for_each_record(store, packs, options,
                      [&](const ObjectId& id, const Record& record) -> Result<void> {
                        if (!is_known(record.archive)) recovery.add(id, record);
                        return {};
                      }));
  std::vector<RecoveredArchive> archives = recovery.archives();
  std::erase_if(archives, [&](const auto& archive) { return is_known(archive.name); });
  return archives;
}

}  // namespace bale
