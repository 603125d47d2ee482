// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "io/staging_directory.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <vector>

#include "bale/file_system.h"
#include "base/error.h"
#include "base/try.h"
#include "io/path.h"

namespace bale {

Result<StagingDirectory> StagingDirectory::create(const std::string& final_path) {
  std::error_code error;
  std::filesystem::path absolute = std::filesystem::absolute(final_path, error);
  if (error || final_path.empty()) {
    return fail(ErrorCode::kInvalidArgument, "'{}' is not a valid path for a directory",
                final_path);
  }
  std::string target = absolute.lexically_normal().string();
  while (target.size() > 1 && target.ends_with('/')) target.pop_back();
  const Result<std::vector<DirectoryEntry>> there = posix_file_system().list(target);
  if (there && !there->empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "{}: the directory is not empty (name a new or an empty one)", final_path);
  }
  if (!there && posix_file_system().stat(target)) {
    return fail(ErrorCode::kInvalidArgument, "{}: there is something that is not a directory",
                final_path);
  }
  StagingDirectory staging(TRY(HeldDirectory::create(target + ".part-")), target);
  // It was created for this user only; an export has the umask's permissions.
  const mode_t mask = ::umask(0);
  ::umask(mask);
  if (::chmod(staging.path().c_str(), 0777 & ~mask) != 0) {
    return fail(ErrorCode::kIo, "cannot open up {}: {}", staging.path(),
                std::generic_category().message(errno));
  }
  return staging;
}

Result<void> StagingDirectory::commit() {
  TRY(posix_file_system().rename(directory_.path(), final_path_));
  directory_.keep();
  return posix_file_system().sync_directory(parent_directory(final_path_));
}

}  // namespace bale
