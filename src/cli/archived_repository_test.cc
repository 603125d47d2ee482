// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/archived_repository_test.h"

#include <cstdlib>
#include <filesystem>

namespace bale::cli {

void ArchivedRepositoryTest::SetUp() {
  git("init -q -b main .");
  write_file(repository_ + "/README", "hello\n");
  std::filesystem::create_directory(repository_ + "/sub");
  write_file(repository_ + "/sub/100%.txt", "deep\n");
  git("add -A");
  git("commit -q -m one");
  git("tag -a v1 -m v1");
  ASSERT_EQ(run({"import", "git", repository_, "--name", "c++", "--json"}).status, 0);
}

std::string ArchivedRepositoryTest::git(const std::string& words) {
  std::filesystem::create_directory(repository_);
  const std::string out = directory_ / "git.out";
  const std::string command =
      "env -i PATH=\"$PATH\" HOME=/nonexistent GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a "
      "GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b git -C '" +
      repository_ + "' " + words + " > '" + out + "'";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;  // NOLINT(concurrency-mt-unsafe)
  return read_file(out);
}

std::string ArchivedRepositoryTest::raw(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

FinishedRun ArchivedRepositoryTest::run(std::vector<std::string> words) {
  words.insert(words.end(), {"--store", directory_ / "store"});
  return run_bale(words);
}

}  // namespace bale::cli
