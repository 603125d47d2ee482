// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A test's own directory, removed with its contents when the test ends.

#pragma once

#include <string>

namespace bale {

class TempDirectory {
 public:
  TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  ~TempDirectory();

  [[nodiscard]] const std::string& path() const { return path_; }

  /// The path of `name` inside.
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace bale
