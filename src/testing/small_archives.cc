// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "testing/small_archives.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "bale/record.h"
#include "bale/store_verifier.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/try.h"
#include "hash/blake3.h"
#include "store/core/catalog_builder.h"
#include "store/core/layout.h"
#include "store/core/locks.h"
#include "store/core/record_chain.h"
#include "store/core/staged_pack.h"
#include "testing/small_history.h"

namespace bale {
namespace {

constexpr int kLevel = 1;
constexpr bool kDeltas = true;
constexpr std::size_t kMostWhole = 1 << 20;
constexpr const char* kNext = "next";

Result<void> add_object(StagedPack& staged, const SmallObject& object) {
  const Bytes payload = as_bytes(object.payload);
  if (payload.size() <= kMostWhole) {
    TRY(staged.add(object.oid, object.type, payload, object.lineage));
    return {};
  }
  TRY(staged.begin(object.type, payload.size()));
  TRY(staged.write(payload.first(kMostWhole)));
  TRY(staged.write(payload.subspan(kMostWhole)));
  TRY(staged.end(object.oid));
  return {};
}

Result<void> check_objects(const Snapshot& store, const SmallHistory& history,
                           ReadContext& context) {
  for (const SmallObject& object : history.objects) {
    const std::optional<ObjectLocation> location = store.find(object.oid);
    if (!location) return store.missing("lost: " + object.oid.to_hex());
    const ObjectView view = TRY(store.get(*location, context, object.oid));
    if (view.type != object.type || as_text(view.payload) != object.payload) {
      return fail(ErrorCode::kCorrupt, "wrong bytes: {}", object.oid.to_hex());
    }
  }
  return {};
}

Result<std::vector<int>> read_archive(const Snapshot& store, const std::string& name,
                                      ReadContext& context) {
  std::vector<int> versions;
  const std::optional<ObjectId> newest = TRY(store.newest_record(name));
  RecordChain chain = chain_from(store, newest, context);
  while (const std::optional<ArchiveRecord> entry = TRY(chain.next())) {
    const Record& record = entry->record;
    const int version = static_cast<int>(record.time);
    if (record.archive != name || version < 1) {
      return fail(ErrorCode::kCorrupt, "archive {} has a record of another", name);
    }
    const SmallHistory& history = small_history(name, version);
    if (record.refs != history.refs) {
      return fail(ErrorCode::kCorrupt, "archive {}: a record of {} has wrong refs", name, version);
    }
    TRY(check_objects(store, history, context));
    versions.push_back(version);
  }
  return versions;
}

Error broken(std::string_view what, const Error& error) {
  return fail(error, "{}: {}", what, error.message);
}

Result<void> hash_tree(FileSystem& files, const std::string& directory, Blake3Hasher& hasher) {
  for (const DirectoryEntry& entry : TRY(files.list(directory))) {
    const std::string path = directory + "/" + entry.name;
    if (entry.kind == FileKind::kDirectory) {
      hasher.update(as_bytes(path + "/\n"));
      TRY(hash_tree(files, path, hasher));
      continue;
    }
    const std::unique_ptr<File> file = TRY(files.open(path));
    const std::unique_ptr<Mapping> mapping = TRY(file->map());
    hasher.update(as_bytes(fmt::format("{}\n{}\n", path, mapping->bytes().size())));
    hasher.update(mapping->bytes());
  }
  return {};
}

}  // namespace

std::string to_string(const ArchiveVersions& archives) {
  std::string text;
  for (const auto& [name, versions] : archives) {
    text += fmt::format("{}{}@{}", text.empty() ? "" : " ", name, fmt::join(versions, ","));
  }
  return text;
}

Result<void> import_small(Store& store, const std::string& name, int version) {
  const SmallHistory& history = small_history(name, version);
  const Operation operation;
  const ImportLocks locks = TRY(lock_for_import(store, name, operation));
  TRY(store.refresh());
  const std::unique_ptr<StagedPack> staged =
      TRY(StagedPack::create(store, history.hash,
                             {.level = kLevel,
                              .deltas = kDeltas,
                              .memory_bytes = StagedPack::smallest_memory_bytes(kLevel, kDeltas),
                              .lanes = 1,
                              .operation = operation}));
  Record record{.archive = name,
                .hash = history.hash,
                .time = version,
                .head = "ref: refs/heads/main",
                .refs = history.refs,
                .objects = history.objects.size()};
  for (const SmallObject& object : history.objects) {
    if (store.snapshot().find(object.oid)) continue;
    TRY(add_object(*staged, object));
    ++record.objects_new;
    record.bytes += object.payload.size();
  }
  record.previous = TRY(store.snapshot().archive_pointer(name));
  const ObjectId id = TRY(staged->add_record(record));
  TRY(staged->install());
  TRY(move_archive(store, name, id, true));
  TRY(store.refresh());
  keep_catalog_up(store, true);
  return {};
}

Result<ArchiveVersions> read_archives(const Snapshot& store) {
  ArchiveVersions archives;
  ReadContext context;
  for (const std::string& name : TRY(store.archives())) {
    std::vector<int> versions = TRY(read_archive(store, name, context));
    // A removal that could not be read when names were listed, and could be now.
    if (!versions.empty()) archives[name] = std::move(versions);
  }
  return archives;
}

ArchiveVersions with_next(ArchiveVersions archives) {
  std::vector<int>& versions = archives[kNext];
  versions.insert(versions.begin(), versions.empty() ? 1 : versions.front() + 1);
  return archives;
}

Result<ArchiveVersions> check_promises(FileSystem& files, const std::string& path,
                                       const std::vector<ArchiveVersions>& allowed) {
  Store store = TRY(Store::open(path, &files));
  const ArchiveVersions found = TRY(read_archives(store));
  if (std::find(allowed.begin(), allowed.end(), found) == allowed.end()) {
    std::string expected;
    for (const ArchiveVersions& one : allowed) expected += "\n  expected: " + to_string(one);
    return fail(ErrorCode::kCorrupt, "found: {}{}", to_string(found), expected);
  }
  const StoreReport report =
      TRY(verify_store(store, {.work = {.memory_bytes = smallest_verify_memory_bytes()}}));
  if (!report.ok()) return broken("verify", report.errors.front());

  const ArchiveVersions after = with_next(found);
  const Result<void> imported = import_small(store, kNext, after.at(kNext).front());
  if (!imported) return broken("the next import", imported.error());
  const Result<Store> reopened = Store::open(path, &files);
  if (!reopened) return broken("after the next import", reopened.error());
  const Result<ArchiveVersions> read = read_archives(*reopened);
  if (!read) return broken("after the next import", read.error());
  if (*read != after) {
    return fail(ErrorCode::kCorrupt, "after the next import: found: {}", to_string(*read));
  }
  for (const DirectoryEntry& entry : TRY(files.list(StoreLayout{path}.staging()))) {
    return fail(ErrorCode::kCorrupt, "left behind: staging/{}", entry.name);
  }
  return found;
}

Result<std::vector<std::string>> files_below(FileSystem& files, const std::string& directory) {
  std::vector<std::string> found;
  for (const DirectoryEntry& entry : TRY(files.list(directory))) {
    const std::string path = directory + "/" + entry.name;
    if (entry.kind != FileKind::kDirectory) {
      found.push_back(path);
      continue;
    }
    const std::vector<std::string> below = TRY(files_below(files, path));
    found.insert(found.end(), below.begin(), below.end());
  }
  return found;
}

Result<std::string> digest_of_tree(FileSystem& files, const std::string& directory) {
  Blake3Hasher hasher;
  TRY(hash_tree(files, directory, hasher));
  return to_hex(hasher.finish());
}

}  // namespace bale
