// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Archives of a store: names that lead to chains of records.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "bale/archive_name.h"
#include "bale/record.h"
#include "bale/store.h"
#include "base/error.h"
#include "base/try.h"
#include "store/store_impl.h"

namespace bale {

Result<std::vector<std::string>> Store::archives() const {
  std::vector<std::string> names;
  for (DirectoryEntry& entry : TRY(file_system().list(impl_->layout().archives()))) {
    // What begins with a dot is a lock or unfinished.
    if (!entry.name.starts_with('.')) names.push_back(std::move(entry.name));
  }
  return names;
}

Result<std::optional<ObjectId>> Store::newest_record(const std::string& name) const {
  TRY(check_archive_name(name));
  const std::string path = impl_->layout().archive(name);
  const Result<std::unique_ptr<File>> file = file_system().open(path);
  if (!file && file.error().code == ErrorCode::kNotFound) return std::optional<ObjectId>();
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
  if (!location) {
    return fail(ErrorCode::kCorrupt, "{}: the record {} is in none of the packs", path(),
                id.to_hex());
  }
  const ObjectView object = TRY(get(*location, context));
  if (object.id != id) {
    return fail(ErrorCode::kCorrupt, "{}: the index of a pack leads from the record {} to {}",
                path(), id.to_hex(), object.id.to_hex());
  }
  Result<Record> record = decode_record(object.payload);
  if (object.type != ObjectType::kAction || !record) {
    return fail(ErrorCode::kCorrupt, "{}: {} is not a record: {}", path(), id.to_hex(),
                record ? "it is no action" : record.error().message);
  }
  return ArchiveRecord{id, std::move(*record)};
}

Result<ArchiveRecord> Store::record(const std::string& name, std::uint64_t back,
                                    ReadContext& context) const {
  std::optional<ObjectId> id = TRY(newest_record(name));
  if (!id) {
    return fail(ErrorCode::kNotFound, "{}: there is no archive {} (bale list names them all)",
                path(), name);
  }
  ArchiveRecord current = TRY(record(*id, context));
  for (std::uint64_t i = 0; i < back; ++i) {
    if (!current.record.previous) {
      return fail(ErrorCode::kNotFound, "{}: archive {} has {} records, the oldest is {}@{}",
                  path(), name, i + 1, name, i);
    }
    current = TRY(record(*current.record.previous, context));
  }
  return current;
}

}  // namespace bale
