// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "git/import/archive_name_from_path.h"

#include <string>
#include <utility>

#include "bale/archive_name.h"
#include "testing/matchers.h"

namespace bale {
namespace {

TEST(ArchiveNameFromPathTest, IsWhatPeopleCallTheRepository) {
  const std::pair<std::string, std::string> cases[] = {
      {"/srv/linux.git", "linux"},
      {"/home/me/linux/.git", "linux"},
      {"/home/me/linux/.git/", "repository"},
      {"/home/me/linux/.git/worktrees/fix", "fix"},
      {"/srv/plain", "plain"},
      {"/srv/.git", "srv"},
      {"/.git", "repository"},
      {"/srv/a.git.git", "a.git"},
      {"/srv/..git", "repository"},
      {"/srv/-x@y:z.git", "x-y-z"},
      {"/srv/caf\xc3\xa9.git", "caf\xc3\xa9"},
      {"/srv/caf\xe9.git", "repository"},
      {"/", "repository"},
      {"", "repository"},
  };
  for (const auto& [path, name] : cases) {
    EXPECT_EQ(archive_name_from_git_dir(path), name) << path;
  }
}

TEST(ArchiveNameFromPathTest, IsAlwaysValid) {
  for (int c = 1; c < 256; ++c) {
    const std::string name(1, static_cast<char>(c));
    for (const std::string& path : {"/srv/" + name, "/srv/x" + name + "y.git", name + name}) {
      EXPECT_THAT(check_archive_name(archive_name_from_git_dir(path)), IsOk()) << c;
    }
  }
  EXPECT_THAT(check_archive_name(archive_name_from_git_dir("/" + std::string(255, 'n'))), IsOk());
}

}  // namespace
}  // namespace bale
