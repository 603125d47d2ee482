// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// StagingDirectory: a directory that appears under its path whole, or not at all.
//
// It is filled beside its place, as `PATH.part-XXXXXX`, and renamed in the end. Destroyed before
// that, it is removed with everything in it; only a process that is killed leaves one behind.

#pragma once

#include <string>

#include "bale/result.h"

namespace bale {

class StagingDirectory {
 public:
  /// `final_path` must not be there, or be an empty directory: kInvalidArgument otherwise.
  [[nodiscard]] static Result<StagingDirectory> create(const std::string& final_path);

  StagingDirectory(StagingDirectory&& other) noexcept;
  StagingDirectory& operator=(StagingDirectory&&) = delete;
  StagingDirectory(const StagingDirectory&) = delete;
  StagingDirectory& operator=(const StagingDirectory&) = delete;
  ~StagingDirectory();

  /// Where to put things: an absolute path.
  [[nodiscard]] const std::string& path() const { return path_; }

  /// Gives it its final path. kIo if something took that meanwhile.
  Result<void> commit();

 private:
  StagingDirectory(std::string path, std::string final_path)
      : path_(std::move(path)), final_path_(std::move(final_path)) {}

  std::string path_;
  std::string final_path_;
};

}  // namespace bale
