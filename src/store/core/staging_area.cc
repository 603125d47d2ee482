// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/staging_area.h"

#include <fmt/core.h>

#include <filesystem>
#include <random>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "io/path.h"

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

// Removes the directories with this prefix in which nobody works.
Result<void> remove_debris_in(FileSystem& files, const std::string& directory,
                              std::string_view prefix) {
  const Result<std::vector<DirectoryEntry>> entries = files.list(directory);
  if (!entries && entries.error().code == ErrorCode::kNotFound) return {};
  if (!entries) return entries.error();
  for (const DirectoryEntry& entry : *entries) {
    const std::string path = directory + "/" + entry.name;
    if (entry.kind != FileKind::kDirectory || !entry.name.starts_with(prefix)) continue;
    // Another process may be removing it at the same moment: then there is nothing left to do.
    Result<std::unique_ptr<FileLock>> lock = files.try_lock(path, LockMode::kExclusive);
    if (!lock || *lock == nullptr) continue;
    const Result<void> removed = remove_tree(files, path);
    if (!removed && removed.error().code != ErrorCode::kNotFound) return removed.error();
  }
  return {};
}

constexpr std::string_view kTemporaryPrefix = "bale-scratch-";

}  // namespace

Result<void> remove_staging_debris(FileSystem& file_system, const StoreLayout& layout) {
  return remove_debris_in(file_system, layout.staging(), "");
}

Result<void> make_staging(FileSystem& file_system, const StoreLayout& layout) {
  const Result<FileInfo> there = file_system.stat(layout.staging());
  if (there) return {};
  if (there.error().code != ErrorCode::kNotFound) return there.error();
  const Result<void> made = file_system.create_directory(layout.staging());
  // Another process may have made it in between.
  return made || file_system.stat(layout.staging()) ? Result<void>() : made;
}

std::string scratch_place(FileSystem& file_system, const StoreLayout& layout) {
  const std::string temporary = temporary_directory();
  const bool here = file_system.create_unnamed(layout.staging()).has_value();
  return here || !file_system.create_unnamed(temporary) ? layout.staging() : temporary;
}

Result<StagingArea> StagingArea::create(FileSystem& file_system, const StoreLayout& layout) {
  TRY(make_staging(file_system, layout));
  TRY(remove_staging_debris(file_system, layout));
  return create_in(file_system, layout.staging(), "");
}

Result<StagingArea> StagingArea::create_to_look(FileSystem& file_system,
                                                const StoreLayout& layout) {
  Result<StagingArea> here = create(file_system, layout);
  if (here || here.error().code != ErrorCode::kIo) return here;
  const std::string temporary = temporary_directory();
  // Others' cannot be removed, and are no harm.
  static_cast<void>(remove_debris_in(file_system, temporary, kTemporaryPrefix).has_value());
  Result<StagingArea> there = create_in(file_system, temporary, kTemporaryPrefix);
  return there ? std::move(there) : std::move(here);
}

Result<StagingArea> StagingArea::create_in(FileSystem& file_system, const std::string& directory,
                                           std::string_view prefix) {
  // Between its creation and its lock, another process could take the directory for debris and
  // remove it: then the lock finds nothing, and we try again.
  for (int attempt = 0; attempt < 100; ++attempt) {
    std::string path = directory + "/" + std::string(prefix) + random_name();
    TRY(file_system.create_directory(path));
    Result<std::unique_ptr<FileLock>> lock = file_system.try_lock(path, LockMode::kExclusive);
    if (lock && *lock != nullptr && file_system.stat(path)) {
      return StagingArea(file_system, std::move(path), std::move(*lock));
    }
  }
  return fail(ErrorCode::kIo, "{}: no directory for work in progress could be kept", directory);
}

StagingArea::StagingArea(StagingArea&& other) noexcept
    : files_(other.files_), path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}

StagingArea::~StagingArea() {
  if (!path_.empty()) static_cast<void>(remove_tree(*files_, path_).has_value());
}

}  // namespace bale
