// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/locks.h"

#include <chrono>
#include <thread>

#include "base/error.h"
#include "base/try.h"
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

Result<ImportLocks> lock_for_import(const Store& store, const std::string& archive,
                                    const Operation& operation) {
  FileSystem& files = store.file_system();
  const StoreLayout& layout = store.impl().layout();
  ImportLocks locks;
  const std::string archive_lock = layout.archive_lock(archive);
  if (const Result<FileInfo> there = files.stat(archive_lock);
      !there && there.error().code == ErrorCode::kNotFound) {
    // Truncating what another import makes at the same moment is harmless: locks have no content.
    static_cast<void>(TRY(files.create(archive_lock, CreateMode::kTruncate)));
  }
  locks.archive = TRY(wait_for_lock(files, archive_lock, LockMode::kExclusive, operation,
                                    "waiting for another import of this archive"));
  locks.store = TRY(wait_for_lock(files, layout.lock(), LockMode::kShared, operation,
                                  "waiting for maintenance of the store"));
  return locks;
}

}  // namespace bale
