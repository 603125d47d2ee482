// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// StagingArea: a directory of one's own in a store's staging/, for work in progress. It is locked
// for as long as it is used, and removed in the end.
//
// What a process that died left in staging/ is recognised by its lock, which is free, and removed
// when the next StagingArea is made.
//
// Not thread-safe; any number of processes may make some at once.

#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "bale/file_system.h"
#include "bale/result.h"
#include "store/core/layout.h"

namespace bale {

class StagingArea {
 public:
  /// `file_system` must outlive it.
  [[nodiscard]] static Result<StagingArea> create(FileSystem& file_system,
                                                  const StoreLayout& layout);

  /// The same for who changes nothing: where the store cannot be written, it is in the temporary
  /// directory. What dead processes left there is removed too.
  [[nodiscard]] static Result<StagingArea> create_to_look(FileSystem& file_system,
                                                          const StoreLayout& layout);

  StagingArea(StagingArea&& other) noexcept;
  StagingArea& operator=(StagingArea&&) = delete;
  StagingArea(const StagingArea&) = delete;
  StagingArea& operator=(const StagingArea&) = delete;

  /// Removes the directory and the files in it. What cannot be removed now is debris for the next.
  ~StagingArea();

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  static Result<StagingArea> create_in(FileSystem& file_system, const std::string& directory,
                                       std::string_view prefix);

  StagingArea(FileSystem& files, std::string path, std::unique_ptr<FileLock> lock)
      : files_(&files), path_(std::move(path)), lock_(std::move(lock)) {}

  FileSystem* files_;
  std::string path_;  // empty once moved from
  std::unique_ptr<FileLock> lock_;
};

/// Makes staging/ if it is missing: whoever needs it may.
Result<void> make_staging(FileSystem& file_system, const StoreLayout& layout);

/// Where files without a name may be created: staging/, or where that is not possible the temporary
/// directory. For who changes nothing in the store.
[[nodiscard]] std::string scratch_place(FileSystem& file_system, const StoreLayout& layout);

/// Removes what nobody works at in staging/, if it can.
Result<void> remove_staging_debris(FileSystem& file_system, const StoreLayout& layout);

}  // namespace bale
