// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Archives of a store: names that lead to chains of records, the newest of which may say that the
// archive was removed.

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "bale/archive_name.h"
#include "bale/record.h"
#include "bale/snapshot.h"
#include "base/counted.h"
#include "base/error.h"
#include "base/try.h"
#include "object/utc_time.h"
#include "store/core/archive_files.h"
#include "store/core/record_chain.h"
#include "store/core/record_mark.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

// To read records that are newer than a snapshot. Older versions wrote large ones.
constexpr std::uint64_t kMostHeadBytes = 32 << 20;

// The removal of another archive, where a pointer has come to lead to one, removes nothing.
bool is_removal(const Snapshot& snapshot, const std::string& name, const ObjectId& id) {
  ReadContext context(kAnyObjectBytes);
  const Result<ArchiveRecord> entry = snapshot.record(id, context);
  return entry && entry->record.kind == RecordKind::kRemoved && entry->record.archive == name;
}

Error no_archives(const std::string& directory) {
  return fail(ErrorCode::kCorrupt, {HintKind::kRepair}, "{}: the directory is missing", directory);
}

}  // namespace

Result<std::vector<std::string>> Snapshot::archives() const {
  std::vector<std::string> names = TRY(archive_pointers());
  std::erase_if(names, [&](const std::string& name) {
    const Result<std::optional<ObjectId>> newest = newest_record(name);
    return newest && !*newest;
  });
  return names;
}

Result<std::optional<ObjectId>> Snapshot::newest_record(const std::string& name) const {
  std::optional<ObjectId> id = TRY(archive_head(name));
  if (id && is_removal(*this, name, *id)) id.reset();
  return id;
}

// The newest record, or removal, that is in this snapshot. The pointer may be newer: then the way
// back from there leads to it. A record that a change of the archive wrote says which one it
// replaces, and that one is nearer than what came before it.
Result<std::optional<ObjectId>> Snapshot::archive_head(const std::string& name) const {
  const std::optional<ObjectId> pointer = TRY(archive_pointer(name));
  if (!pointer || find(*pointer)) return pointer;
  // The record may be in a pack that this snapshot could not read: then it is not a later one.
  const std::vector<PackSet::Damage>& damage = packs_->damage();
  if (std::any_of(damage.begin(), damage.end(), [](const auto& of) { return of.unreadable; })) {
    return pointer;
  }
  const Snapshot now(TRY(packs_->later(true)));
  if (!now.find(*pointer)) return pointer;  // it is lost
  ReadContext context(kMostHeadBytes);
  std::set<ObjectId> seen;
  std::vector<ObjectId> next = {*pointer};
  while (!next.empty()) {
    const ObjectId at = next.back();
    next.pop_back();
    if (find(at)) return at;
    if (!seen.insert(at).second) continue;
    const Record record = TRY(now.record(at, context)).record;
    if (record.archive != name) return pointer;
    // What a record replaces is looked at first, with all that it replaces in its turn.
    for (const std::optional<ObjectId>& before : {record.previous, record.replaces}) {
      if (before) next.push_back(*before);
    }
  }
  return std::nullopt;
}

Result<std::vector<std::string>> Snapshot::archive_pointers() const {
  const std::string directory = packs_->shelf().layout().archives();
  const Result<std::vector<DirectoryEntry>> entries = file_system().list(directory);
  if (!entries && entries.error().code == ErrorCode::kNotFound) return no_archives(directory);
  if (!entries) return entries.error();
  std::vector<std::string> names;
  const auto use = [&](const ArchiveFile& file) -> Result<void> {
    // What begins with a dot is a lock or unfinished; what is no file, or has a name that no
    // archive can have, is somebody else's: debris.
    if (file.file.starts_with('.') || file.kind != FileKind::kRegular) return {};
    if (!check_archive_name(file.name)) return {};
    names.push_back(file.name);
    return {};
  };
  TRY(for_each_archive_file(file_system(), packs_->shelf().layout(), use));
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::optional<ObjectId>> Snapshot::archive_pointer(const std::string& name) const {
  TRY(check_archive_name(name));
  const std::string path = packs_->shelf().layout().archive(name);
  const Result<std::unique_ptr<File>> file = file_system().open(path);
  if (!file && file.error().code == ErrorCode::kNotFound) {
    const Result<FileInfo> directory = file_system().stat(packs_->shelf().layout().archives());
    if (directory || directory.error().code != ErrorCode::kNotFound) {
      return std::nullopt;
    }
    return no_archives(packs_->shelf().layout().archives());
  }
  if (!file) return file.error();
  std::string content(100, '\0');
  content.resize(TRY((*file)->read_at(
      0, std::as_writable_bytes(std::span<char>(content.data(), content.size())))));
  return TRY(decode_archive_pointer(content, path));
}

Result<ArchiveRecord> Snapshot::record(const ObjectId& id, ReadContext& context) const {
  const auto location = find(id);
  if (!location) return missing(fmt::format("{}: the record {}", path(), id.to_hex()));
  const ObjectView object = TRY(get(*location, context, id));
  if (!is_record(id, object.type, object.payload, packs_->shelf().records_are_marked())) {
    return fail(ErrorCode::kCorrupt, "{}: {} is not a record, but a {} of a source", path(),
                id.to_hex(), git_type_name(object.type));
  }
  Result<Record> record = decode_record(object.payload);
  if (!record) {
    return fail(ErrorCode::kCorrupt, "{}: {} is not a record: {}", path(), id.to_hex(),
                record.error().message);
  }
  return ArchiveRecord{id, std::move(*record)};
}

Result<ArchiveRecord> Snapshot::record(const std::string& name, std::uint64_t back,
                                       ReadContext& context) const {
  const std::optional<ObjectId> id = TRY(archive_head(name));
  if (!id) {
    return fail(ErrorCode::kNotFound, {HintKind::kListArchives}, "{}: there is no archive {}",
                path(), name);
  }
  RecordChain chain = chain_from(*this, id, context);
  for (std::uint64_t i = 0;; ++i) {
    std::optional<ArchiveRecord> entry = TRY(chain.next());
    if (entry && entry->record.archive != name) {
      return fail(ErrorCode::kCorrupt, "{}: it leads to a record of the archive {}",
                  packs_->shelf().layout().archive(name), entry->record.archive);
    }
    if (entry && i == back) return std::move(*entry);
    if (entry) continue;
    if (i > 0) {
      return fail(ErrorCode::kNotFound, "{}: archive {} has {}, the oldest is {}@{}", path(), name,
                  counted(i, "record"), name, i - 1);
    }
    const ArchiveRecord removal = TRY(record(*id, context));
    if (removal.record.archive != name) {
      return fail(ErrorCode::kCorrupt, "{}: it leads to a record of the archive {}",
                  packs_->shelf().layout().archive(name), removal.record.archive);
    }
    return fail(ErrorCode::kNotFound, {HintKind::kListArchives}, "{}: archive {} was removed on {}",
                path(), name, format_utc(removal.record.time));
  }
}

Result<RecordReader> Snapshot::records(const std::string& name, std::uint64_t back,
                                       ReadContext& context) const {
  Result<ArchiveRecord> first = record(name, back, context);
  if (first) return RecordReader(*this, name, back, std::move(*first), context);
  if (back > 0 || first.error().code == ErrorCode::kNotFound) return first.error();
  return record_error(name, 0, first.error());
}

RecordReader::RecordReader(Snapshot snapshot, std::string name, std::uint64_t back,
                           ArchiveRecord first, ReadContext& context)
    : snapshot_(std::move(snapshot)),
      name_(std::move(name)),
      first_back_(back),
      number_(first.record.number),
      before_first_(first.record.previous),
      first_(std::move(first)),
      next_(before_first_),
      context_(&context) {}

Result<std::optional<ArchiveRecord>> RecordReader::next() {
  if (first_) return std::exchange(first_, std::nullopt);
  RecordChain chain = chain_from(snapshot_, std::exchange(next_, std::nullopt), *context_);
  Result<std::optional<ArchiveRecord>> entry = chain.next();
  ++steps_;
  if (!entry) return record_error(name_, first_back_ + steps_, entry.error());
  if (*entry) next_ = (*entry)->record.previous;
  return entry;
}

RecordReader::Total RecordReader::total() const {
  ArchiveRecord first;
  first.record.number = number_;
  first.record.previous = before_first_;
  RecordCount count = count_records(snapshot_, first, *context_);
  if (count.error) count.error = record_error(name_, first_back_ + count.records, *count.error);
  return {.records = count.records, .error = std::move(count.error)};
}

}  // namespace bale
