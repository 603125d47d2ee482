// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// StagingDirectory: a directory that appears under its path complete, or not at all.
//
// It is filled as `PATH.part-XXXXXX` and renamed by commit(). Without a commit, the destructor
// removes it with its contents. The next StagingDirectory for the same path removes those of killed
// processes (held_directory.h).

#pragma once

#include <string>

#include "bale/result.h"
#include "io/held_directory.h"

namespace bale {

class StagingDirectory {
 public:
  /// kInvalidArgument unless `final_path` does not exist or is an empty directory.
  [[nodiscard]] static Result<StagingDirectory> create(const std::string& final_path);

  /// The directory to fill: an absolute path.
  [[nodiscard]] const std::string& path() const { return directory_.path(); }

  /// Renames it to its final path. kIo if that exists by now.
  Result<void> commit();

 private:
  StagingDirectory(HeldDirectory directory, std::string final_path)
      : directory_(std::move(directory)), final_path_(std::move(final_path)) {}

  HeldDirectory directory_;
  std::string final_path_;
};

}  // namespace bale
