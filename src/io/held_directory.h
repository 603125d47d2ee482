// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// HeldDirectory: a temporary directory, removed with its contents on destruction. A lock, which
// ends with the process, distinguishes directories in use from those of killed processes; the next
// process that creates one with the same prefix removes the latter.
//
//   HeldDirectory scratch = TRY(HeldDirectory::create("/tmp/bale-scratch-"));
//   scratch.path()                                      // "/tmp/bale-scratch-Yx73bQ"
//
// Uses the operating system's files only. Not thread-safe; any number of processes may create some
// at once.

#pragma once

#include <string>

#include "bale/result.h"
#include "io/posix_file.h"

namespace bale {

class HeldDirectory {
 public:
  /// Creates `prefix` and six random characters, accessible to this user only. First removes
  /// abandoned directories of the same prefix that belong to this user, as far as possible; links
  /// are not followed. kNotFound if the parent directory is missing, kIo.
  [[nodiscard]] static Result<HeldDirectory> create(const std::string& prefix);

  HeldDirectory(HeldDirectory&& other) noexcept;
  HeldDirectory& operator=(HeldDirectory&&) = delete;
  HeldDirectory(const HeldDirectory&) = delete;
  HeldDirectory& operator=(const HeldDirectory&) = delete;
  ~HeldDirectory();

  [[nodiscard]] const std::string& path() const { return path_; }

  /// Releases the directory without removing it; it may have been renamed.
  void keep();

 private:
  HeldDirectory(std::string path, Descriptor lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;  // empty once moved from or kept
  Descriptor lock_;   // -1 if the file system has no locks: then nobody removes it
};

}  // namespace bale
