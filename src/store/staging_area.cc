// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/staging_area.h"

#include <fmt/core.h>

#include <random>
#include <utility>

#include "base/error.h"
#include "base/try.h"

namespace bale {
namespace {

std::string random_name() {
  std::random_device device;
  std::string name;
  for (int i = 0; i < 4; ++i) name += fmt::format("{:08x}", device());
  return name;
}

Result<void> remove_tree(FileSystem& files, const std::string& directory) {
  for (const DirectoryEntry& entry : TRY(files.list(directory))) {
    TRY(files.remove_file(directory + "/" + entry.name));
  }
  return files.remove_directory(directory);
}

}  // namespace

Result<void> remove_staging_debris(FileSystem& file_system, const StoreLayout& layout) {
  for (const DirectoryEntry& entry : TRY(file_system.list(layout.staging()))) {
    const std::string path = layout.staging() + "/" + entry.name;
    if (entry.kind != FileKind::kDirectory) continue;
    // Another process may be removing it at the same moment: then there is nothing left to do.
    Result<std::unique_ptr<FileLock>> lock = file_system.try_lock(path, LockMode::kExclusive);
    if (!lock || *lock == nullptr) continue;
    const Result<void> removed = remove_tree(file_system, path);
    if (!removed && removed.error().code != ErrorCode::kNotFound) return removed.error();
  }
  return {};
}

Result<StagingArea> StagingArea::create(FileSystem& file_system, const StoreLayout& layout) {
  TRY(remove_staging_debris(file_system, layout));
  // Between its creation and its lock, another process could take the directory for debris and
  // remove it: then the lock finds nothing, and we try again.
  for (int attempt = 0; attempt < 100; ++attempt) {
    std::string path = layout.staging() + "/" + random_name();
    TRY(file_system.create_directory(path));
    Result<std::unique_ptr<FileLock>> lock = file_system.try_lock(path, LockMode::kExclusive);
    if (lock && *lock != nullptr && file_system.stat(path)) {
      return StagingArea(file_system, std::move(path), std::move(*lock));
    }
  }
  return fail(ErrorCode::kIo, "{}: no directory for work in progress could be kept",
              layout.staging());
}

StagingArea::StagingArea(StagingArea&& other) noexcept
    : files_(other.files_), path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}

StagingArea::~StagingArea() {
  if (!path_.empty()) static_cast<void>(remove_tree(*files_, path_).has_value());
}

}  // namespace bale
