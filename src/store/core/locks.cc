// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/locks.h"

#include <chrono>
#include <optional>
#include <thread>

#include "bale/archive_name.h"
#include "base/error.h"
#include "base/try.h"
#include "store/core/archive_files.h"
#include "store/core/staging_area.h"
#include "store/core/store_impl.h"

namespace bale {

Result<std::unique_ptr<FileLock>> wait_for_lock(FileSystem& file_system, const std::string& path,
                                                LockMode mode, const Operation& operation,
                                                std::string_view phase) {
  for (;;) {
    std::unique_ptr<FileLock> lock = TRY(file_system.try_lock(path, mode));
    if (lock != nullptr) return lock;
    if (operation.cancelled()) {
      return fail(ErrorCode::kInterrupted, "interrupted while {}", phase);
    }
    operation.progress({.phase = phase});
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

namespace {

// A lock's file has no content: that two make it at the same moment is harmless.
Result<void> make_lock_file(FileSystem& files, const std::string& path) {
  const Result<FileInfo> there = files.stat(path);
  if (there) return {};
  if (there.error().code != ErrorCode::kNotFound) return there.error();
  TRY_VOID(files.create(path, CreateMode::kTruncate));
  return {};
}

// An archive whose pointer or record is damaged counts as one.
Result<bool> is_archive(const Store& store, const std::string& name) {
  const Result<std::optional<ObjectId>> pointer = store.snapshot().archive_pointer(name);
  if (pointer && !*pointer) return false;
  const Result<std::optional<ObjectId>> newest = TRY(store.fresh_snapshot()).newest_record(name);
  if (newest) return newest->has_value();
  if (newest.error().code == ErrorCode::kCorrupt) return true;
  return newest.error();
}

// An archive whose name is a path prefix of this one, or the other way round.
Result<std::optional<std::string>> related_archive(const Store& store, const std::string& name) {
  for (const std::string& prefix : archive_name_prefixes(name)) {
    if (TRY(is_archive(store, prefix))) return prefix;
  }
  std::optional<std::string> found;
  const auto look = [&](const ArchiveFile& file) -> Result<void> {
    const bool pointer = file.kind == FileKind::kRegular && check_archive_name(file.name);
    if (!found && pointer && TRY(is_archive(store, file.name))) found = file.name;
    return {};
  };
  TRY(for_each_archive_file_below(store.file_system(), layout_of(store), name, look));
  return found;
}

// A store that was repaired may have both: then both can be imported into.
Result<void> check_that_name_is_free(const Store& store, const std::string& name) {
  const std::optional<std::string> other = TRY(related_archive(store, name));
  if (!other || TRY(is_archive(store, name))) return {};
  return fail(ErrorCode::kInvalidArgument,
              "{}: '{}' cannot be the name of an archive beside the archive {}: no name may be a "
              "path prefix of another (choose another name, or remove that archive)",
              store.path(), name, *other);
}

}  // namespace

Result<ImportLocks> lock_for_import(const Store& store, const std::string& archive,
                                    const Operation& operation) {
  FileSystem& files = store.file_system();
  const StoreLayout& layout = layout_of(store);
  constexpr std::string_view kMaintenance = "waiting for maintenance of the store";
  ImportLocks locks;
  // Before too, because a lock leaves a file, and so as not to wait in vain.
  TRY(check_that_name_is_free(store, archive));
  TRY(make_archive_directories(files, layout, archive, false));
  for (const std::string& prefix : archive_name_prefixes(archive)) {
    TRY(make_lock_file(files, layout.archive_lock(prefix)));
    locks.prefixes.push_back(
        TRY(wait_for_lock(files, layout.archive_lock(prefix), LockMode::kShared, operation,
                          "waiting for an import into a prefix of this name")));
  }
  const std::string archive_lock = layout.archive_lock(archive);
  if (const Result<FileInfo> archives = files.stat(layout.archives());
      !archives && archives.error().code == ErrorCode::kNotFound) {
    return fail(ErrorCode::kCorrupt, {HintKind::kRepair}, "{}: the directory is missing",
                layout.archives());
  }
  TRY(make_lock_file(files, archive_lock));
  TRY(make_lock_file(files, layout.lock()));
  TRY(make_staging(files, layout));
  locks.archive = TRY(wait_for_lock(files, archive_lock, LockMode::kExclusive, operation,
                                    "waiting for another import of this archive"));
  TRY(check_that_name_is_free(store, archive));
  const std::unique_ptr<FileLock> turnstile =
      TRY(wait_for_lock(files, layout.staging(), LockMode::kShared, operation, kMaintenance));
  locks.store =
      TRY(wait_for_lock(files, layout.lock(), LockMode::kShared, operation, kMaintenance));
  return locks;
}

Result<std::unique_ptr<FileLock>> lock_for_maintenance(const Store& store,
                                                       const Operation& operation) {
  return wait_for_lock(store.file_system(), layout_of(store).packs(), LockMode::kExclusive,
                       operation, "waiting for other maintenance of the store");
}

Result<std::unique_ptr<FileLock>> lock_to_look(const Store& store, const Operation& operation) {
  Result<std::unique_ptr<FileLock>> lock = lock_for_maintenance(store, operation);
  if (!lock && lock.error().code == ErrorCode::kIo) return std::unique_ptr<FileLock>();
  return lock;
}

Result<std::unique_ptr<FileLock>> lock_out_imports(const Store& store, const Operation& operation) {
  constexpr std::string_view kImports = "waiting for imports to end";
  FileSystem& files = store.file_system();
  const StoreLayout& layout = layout_of(store);
  TRY(make_lock_file(files, layout.lock()));
  TRY(make_staging(files, layout));
  const std::unique_ptr<FileLock> turnstile =
      TRY(wait_for_lock(files, layout.staging(), LockMode::kExclusive, operation, kImports));
  return wait_for_lock(files, layout.lock(), LockMode::kExclusive, operation, kImports);
}

}  // namespace bale
