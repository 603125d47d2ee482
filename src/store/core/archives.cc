// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Archives of a store: names that lead to chains of records, the newest of which may say that the
// archive was removed.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "bale/archive_name.h"
#include "bale/record.h"
#include "bale/store.h"
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

// The removal of another archive, where a pointer has come to lead to one, removes nothing.
bool is_removal(const Store& store, const std::string& name, const ObjectId& id,
                ReadContext& context) {
  const Result<ArchiveRecord> entry = store.record(id, context);
  return entry && entry->record.kind == RecordKind::kRemoved && entry->record.archive == name;
}

Error no_archives(const std::string& directory) {
  return fail(ErrorCode::kCorrupt,
              "{}: the directory is missing (bale repair makes it, and finds the archives)",
              directory);
}

}  // namespace

Result<std::vector<std::string>> Store::archives() const {
  std::vector<std::string> names = TRY(archive_pointers());
  ReadContext context(kAnyObjectBytes);
  std::erase_if(names, [&](const std::string& name) {
    const Result<std::optional<ObjectId>> id = archive_pointer(name);
    return id && *id && is_removal(*this, name, **id, context);
  });
  return names;
}

Result<std::optional<ObjectId>> Store::newest_record(const std::string& name) const {
  std::optional<ObjectId> id = TRY(archive_pointer(name));
  ReadContext context(kAnyObjectBytes);
  if (id && is_removal(*this, name, *id, context)) id.reset();
  return id;
}

Result<std::vector<std::string>> Store::archive_pointers() const {
  const std::string directory = impl_->layout().archives();
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
  TRY(for_each_archive_file(file_system(), impl_->layout(), use));
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::optional<ObjectId>> Store::archive_pointer(const std::string& name) const {
  TRY(check_archive_name(name));
  const std::string path = impl_->layout().archive(name);
  const Result<std::unique_ptr<File>> file = file_system().open(path);
  if (!file && file.error().code == ErrorCode::kNotFound) {
    const Result<FileInfo> directory = file_system().stat(impl_->layout().archives());
    if (directory || directory.error().code != ErrorCode::kNotFound) {
      return std::optional<ObjectId>();
    }
    return no_archives(impl_->layout().archives());
  }
  if (!file) return file.error();
  std::string content(100, '\0');
  content.resize(TRY((*file)->read_at(
      0, std::as_writable_bytes(std::span<char>(content.data(), content.size())))));
  return std::optional<ObjectId>(TRY(decode_archive_pointer(content, path)));
}

Result<ArchiveRecord> Store::record(const ObjectId& id, ReadContext& context) const {
  auto location = find(id);
  if (!location) {
    // The archive may have moved on since this Store looked at its packs.
    TRY(impl_->refresh());
    location = find(id);
  }
  if (!location) return missing(fmt::format("{}: the record {}", path(), id.to_hex()));
  const ObjectView object = TRY(get(*location, context, id));
  if (!is_record(id, object.type, object.payload, impl_->records_are_marked())) {
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

Result<ArchiveRecord> Store::record(const std::string& name, std::uint64_t back,
                                    ReadContext& context) const {
  const std::optional<ObjectId> id = TRY(archive_pointer(name));
  if (!id) {
    return fail(ErrorCode::kNotFound, "{}: there is no archive {} (bale list names them all)",
                path(), name);
  }
  RecordChain chain = chain_from(*this, id, context);
  for (std::uint64_t i = 0;; ++i) {
    std::optional<ArchiveRecord> entry = TRY(chain.next());
    if (entry && entry->record.archive != name) {
      return fail(ErrorCode::kCorrupt, "{}: it leads to a record of the archive {}",
                  impl_->layout().archive(name), entry->record.archive);
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
                  impl_->layout().archive(name), removal.record.archive);
    }
    return fail(ErrorCode::kNotFound,
                "{}: archive {} was removed on {} (bale list names those that are there)", path(),
                name, format_utc(removal.record.time));
  }
}

}  // namespace bale
