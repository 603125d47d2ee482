// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// StagingDirectory: a directory that appears under its path whole, or not at all.
//
// It is filled beside its place, as `PATH.part-XXXXXX`, and renamed in the end. Destroyed before
// that, it is removed with everything in it. What a process that is killed leaves behind is removed
// when the next one is made for the same path (held_directory.h).

#pragma once

#include <string>

#include "bale/result.h"
#include "io/held_directory.h"

namespace bale {

class StagingDirectory {
 public:
  /// `final_path` must not be there, or be an empty directory: kInvalidArgument otherwise.
  [[nodiscard]] static Result<StagingDirectory> create(const std::string& final_path);

  /// Where to put things: an absolute path.
  [[nodiscard]] const std::string& path() const { return directory_.path(); }

  /// Gives it its final path. kIo if something took that meanwhile.
  Result<void> commit();

 private:
  StagingDirectory(HeldDirectory directory, std::string final_path)
      : directory_(std::move(directory)), final_path_(std::move(final_path)) {}

  HeldDirectory directory_;
  std::string final_path_;
};

}  // namespace bale
