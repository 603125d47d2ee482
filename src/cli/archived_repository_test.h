// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// For tests of the program: a small Git repository, archived as "c++".

#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/program_under_test.h"
#include "testing/temp_directory.h"

namespace bale::cli {

/// The repository has one commit, the files README and sub/100%.txt, the branch main and the
/// annotated tag v1.
class ArchivedRepositoryTest : public testing::Test {
 protected:
  void SetUp() override;

  /// Runs git in the repository; returns its output.
  std::string git(const std::string& words);

  /// Converts hex digits to bytes.
  static std::string raw(const std::string& hex);

  /// Runs bale on the store.
  FinishedRun run(std::vector<std::string> words);

  TempDirectory directory_;
  std::string repository_ = directory_ / "repository";
};

}  // namespace bale::cli
