// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The locks of a store, which end with the process that holds them however it ends.

#pragma once

#include <memory>
#include <string>

#include "bale/file_system.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "bale/store.h"

namespace bale {

/// Waits until the lock on `path` is free, and takes it. kInterrupted if the operation is cancelled
/// meanwhile; its progress says `waiting_for`.
Result<std::unique_ptr<FileLock>> wait_for_lock(FileSystem& file_system, const std::string& path,
                                                LockMode mode, const Operation& operation,
                                                std::string_view waiting_for);

/// What an import holds: the store, shared, so that what it found already stored is not collected
/// under it; and its archive's name, alone.
struct ImportLocks {
  std::unique_ptr<FileLock> store;
  std::unique_ptr<FileLock> archive;
};

Result<ImportLocks> lock_for_import(const Store& store, const std::string& archive,
                                    const Operation& operation);

}  // namespace bale
