// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/verify_archives.h"

#include <memory>

#include "base/try.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

// Whoever writes an archive holds its lock from before its pack is there until its file is.
bool is_being_written(const Snapshot& store, const std::string& name) {
  const Result<std::unique_ptr<FileLock>> lock =
      store.file_system().try_lock(layout_of(store).archive_lock(name), LockMode::kShared);
  return lock && *lock == nullptr;
}

bool has_file_now(const Snapshot& store, const std::string& name) {
  const Result<FileInfo> info = store.file_system().stat(layout_of(store).archive(name));
  return info && info->kind == FileKind::kRegular;
}

}  // namespace

Result<std::vector<ArchiveWithoutFile>> archives_without_file(
    const Snapshot& store, const PackSet& packs, const RecordScanOptions& options,
    const std::function<bool(const std::string& archive)>& has_file) {
  std::vector<ArchiveWithoutFile> archives;
  for (RecoveredArchive& found : TRY(recover_archives(store, packs.numbers(), options, has_file))) {
    // The lock first: who has let go of it has made the file.
    if (is_being_written(store, found.name) || has_file_now(store, found.name)) continue;
    archives.push_back({.name = std::move(found.name),
                        .record = found.record,
                        .time = found.time,
                        .removed = found.removed});
  }
  return archives;
}

}  // namespace bale
