// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "io/held_directory.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string>

#include "io/staging_directory.h"
#include "testing/matchers.h"
#include "testing/temp_directory.h"

namespace bale {
namespace {

namespace fs = std::filesystem;

class HeldDirectoryTest : public testing::Test {
 protected:
  std::set<std::string> names() {
    std::set<std::string> names;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory_.path())) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }

  // Runs `work` in another process, which kills itself.
  template <typename Work>
  void killed(Work work) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      work();
      ::_exit(1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
  }

  void leave_behind() {
    killed([this] {
      const Result<HeldDirectory> left = HeldDirectory::create(prefix_);
      if (!left) ::_exit(1);
      fs::create_directories(left->path() + "/a/b");
      std::ofstream(left->path() + "/a/b/file") << "bytes";
      static_cast<void>(::raise(SIGKILL));
    });
  }

  TempDirectory directory_;
  std::string prefix_ = directory_ / "x.part-";
};

TEST_F(HeldDirectoryTest, ItIsThereUntilTheEndWithAllThatIsInIt) {
  {
    ASSERT_OK_AND_ASSIGN(held, HeldDirectory::create(prefix_));
    EXPECT_TRUE(held.path().starts_with(prefix_));
    EXPECT_EQ(fs::status(held.path()).permissions(), fs::perms::owner_all);
    std::ofstream(held.path() + "/file") << "bytes";
    const HeldDirectory moved = std::move(held);
    EXPECT_EQ(names().size(), 1u);
  }
  EXPECT_TRUE(names().empty());
}

TEST_F(HeldDirectoryTest, WhatAKilledProcessLeftIsRemovedByTheNext) {
  leave_behind();
  leave_behind();  // removes the first one
  ASSERT_EQ(names().size(), 1u);
  const std::string left = *names().begin();
  ASSERT_OK_AND_ASSIGN(held, HeldDirectory::create(prefix_));
  EXPECT_EQ(names().size(), 1u);
  EXPECT_FALSE(names().contains(left));
}

TEST_F(HeldDirectoryTest, WhatIsHeldOrOfAnotherNameOrNoDirectoryStays) {
  ASSERT_OK_AND_ASSIGN(other, HeldDirectory::create(prefix_));
  fs::create_directory(prefix_ + "abc");      // too short
  fs::create_directory(prefix_ + "abcdefg");  // too long
  fs::create_directory(prefix_ + "abc-ef");   // no such characters
  fs::create_directory(directory_ / "y.part-abcdef");
  std::ofstream(prefix_ + "aaaaaa") << "a file";
  fs::create_directory(directory_ / "mine");
  std::ofstream(directory_ / "mine/file") << "bytes";
  fs::create_directory_symlink(directory_ / "mine", prefix_ + "bbbbbb");
  const std::set<std::string> before = names();
  {
    ASSERT_OK_AND_ASSIGN(held, HeldDirectory::create(prefix_));
    EXPECT_EQ(names().size(), before.size() + 1);
  }
  EXPECT_EQ(names(), before);
  EXPECT_TRUE(fs::exists(directory_ / "mine/file"));
  EXPECT_TRUE(fs::exists(other.path()));
}

TEST_F(HeldDirectoryTest, WhatBelongsToAnotherUserStays) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make what belongs to another user";
  const std::string path = prefix_ + "cccccc";
  fs::create_directory(path);
  ASSERT_EQ(::chown(path.c_str(), 65534, 65534), 0);
  ASSERT_THAT(HeldDirectory::create(prefix_), IsOk());
  EXPECT_TRUE(fs::exists(path));
}

TEST_F(HeldDirectoryTest, AMissingParentIsToldOf) {
  EXPECT_THAT(HeldDirectory::create(directory_ / "none/x-"),
              FailsWith(ErrorCode::kNotFound, directory_ / "none"));
}

TEST_F(HeldDirectoryTest, AStagingDirectoryTakesItsPlaceAndNothingElseIsLeft) {
  const std::string out = directory_ / "out";
  killed([&] {
    const Result<StagingDirectory> left = StagingDirectory::create(out);
    if (!left) ::_exit(1);
    std::ofstream(left->path() + "/file") << "half";
    static_cast<void>(::raise(SIGKILL));
  });
  ASSERT_EQ(names().size(), 1u);
  {
    ASSERT_OK_AND_ASSIGN(staging, StagingDirectory::create(out));
    std::ofstream(staging.path() + "/file") << "whole";
    ASSERT_THAT(staging.commit(), IsOk());
  }
  EXPECT_EQ(names(), std::set<std::string>{"out"});
  EXPECT_EQ(fs::file_size(out + "/file"), 5u);
  EXPECT_THAT(StagingDirectory::create(out), FailsWith(ErrorCode::kInvalidArgument, "not empty"));
}

}  // namespace
}  // namespace bale
