// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// HeldDirectory: a new directory for work in progress, removed with all that is in it in the end.
// It is held by a lock, which ends with the process: so what a process that was killed left is told
// from what another one works in, and the next one to make a directory of the same prefix removes
// it.
//
//   HeldDirectory scratch = TRY(HeldDirectory::create("/tmp/bale-scratch-"));
//   scratch.path()                                      // "/tmp/bale-scratch-Yx73bQ"
//
// Of the operating system's files only. Not thread-safe; any number of processes may make some at
// once.

#pragma once

#include <string>

#include "bale/result.h"
#include "io/posix_file.h"

namespace bale {

class HeldDirectory {
 public:
  /// Makes `prefix` and six random characters, for this user only. Before that, removes what was
  /// left of the same prefix: directories that belong to this user and that nobody holds. Links are
  /// not followed, and what cannot be removed stays. kNotFound where the parent directory is
  /// missing, kIo.
  [[nodiscard]] static Result<HeldDirectory> create(const std::string& prefix);

  HeldDirectory(HeldDirectory&& other) noexcept;
  HeldDirectory& operator=(HeldDirectory&&) = delete;
  HeldDirectory(const HeldDirectory&) = delete;
  HeldDirectory& operator=(const HeldDirectory&) = delete;
  ~HeldDirectory();

  [[nodiscard]] const std::string& path() const { return path_; }

  /// Lets go of the directory, which stays, under whatever name it has by now.
  void keep();

 private:
  HeldDirectory(std::string path, Descriptor lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;  // empty once moved from or kept
  Descriptor lock_;   // -1 where the file system knows no locks: then nobody removes it
};

}  // namespace bale
