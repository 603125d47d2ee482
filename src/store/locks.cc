// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/locks.h"

#include <chrono>
#include <thread>

#include "base/error.h"
#include "base/try.h"
#include "store/staging_area.h"
#include "store/store_impl.h"

namespace bale {

Result<std::unique_ptr<FileLock>> wait_for_lock(FileSystem& file_system, const std::string& path,
                                                LockMode mode, const Operation& operation,
                                                std::string_view waiting_for) {
  for (;;) {
    std::unique_ptr<FileLock> lock = TRY(file_system.try_lock(path, mode));
    if (lock != nullptr) return lock;
    if (operation.cancelled()) {
      return fail(ErrorCode::kInterrupted, "interrupted while waiting for {}", waiting_for);
    }
    operation.progress({.phase = waiting_for});
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

namespace {

// A lock's file has no content: that two make it at the same moment is harmless.
Result<void> make_lock_file(FileSystem& files, const std::string& path) {
  const Result<FileInfo> there = files.stat(path);
  if (there) return {};
  if (there.error().code != ErrorCode::kNotFound) return there.error();
  static_cast<void>(TRY(files.create(path, CreateMode::kTruncate)));
  return {};
}

}  // namespace

Result<ImportLocks> lock_for_import(const Store& store, const std::string& archive,
                                    const Operation& operation) {
  FileSystem& files = store.file_system();
  const StoreLayout& layout = store.impl().layout();
  constexpr std::string_view kMaintenance = "waiting for maintenance of the store";
  ImportLocks locks;
  const std::string archive_lock = layout.archive_lock(archive);
  if (const Result<FileInfo> archives = files.stat(layout.archives());
      !archives && archives.error().code == ErrorCode::kNotFound) {
    return fail(ErrorCode::kCorrupt,
                "{}: the directory is missing (bale repair makes it, and finds the archives)",
                layout.archives());
  }
  TRY(make_lock_file(files, archive_lock));
  TRY(make_lock_file(files, layout.lock()));
  TRY(make_staging(files, layout));
  locks.archive = TRY(wait_for_lock(files, archive_lock, LockMode::kExclusive, operation,
                                    "waiting for another import of this archive"));
  const std::unique_ptr<FileLock> turnstile =
      TRY(wait_for_lock(files, layout.staging(), LockMode::kShared, operation, kMaintenance));
  locks.store =
      TRY(wait_for_lock(files, layout.lock(), LockMode::kShared, operation, kMaintenance));
  return locks;
}

Result<std::unique_ptr<FileLock>> lock_for_maintenance(const Store& store,
                                                       const Operation& operation) {
  return wait_for_lock(store.file_system(), store.impl().layout().packs(), LockMode::kExclusive,
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
  const StoreLayout& layout = store.impl().layout();
  TRY(make_lock_file(files, layout.lock()));
  TRY(make_staging(files, layout));
  const std::unique_ptr<FileLock> turnstile =
      TRY(wait_for_lock(files, layout.staging(), LockMode::kExclusive, operation, kImports));
  return wait_for_lock(files, layout.lock(), LockMode::kExclusive, operation, kImports);
}

}  // namespace bale
