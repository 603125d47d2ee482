// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "git/source/repository.h"

#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "testing/git_fixture.h"
#include "testing/matchers.h"

namespace bale {
namespace {

std::string real(const std::string& path) {
  return std::filesystem::canonical(path).string();
}

void expect_found(const std::string& path, const std::string& git_dir,
                  const std::string& common_dir) {
  const Result<RepositoryPaths> found = find_repository(path);
  ASSERT_THAT(found, IsOk()) << path;
  EXPECT_EQ(found->git_dir, real(git_dir)) << path;
  EXPECT_EQ(found->common_dir, real(common_dir)) << path;
}

class RepositoryTest : public testing::Test {
 protected:
  Result<GitHash> format_of(const std::string& path) {
    const Result<RepositoryPaths> paths = find_repository(path);
    if (!paths) return paths.error();
    return read_repository_format(*paths, operation_);
  }

  Operation operation_;
};

TEST_F(RepositoryTest, AWorkTreeItsGitDirectoryAndAllBelowMeanTheRepository) {
  GitFixture git;
  git.write("sub/deeper/a.txt", "a");
  git.commit("first");
  for (const std::string below :
       {"", "/.git", "/sub", "/sub/deeper/", "/.git/objects", "/./sub/.."}) {
    expect_found(git.path() + below, git.git_dir(), git.git_dir());
  }
}

TEST_F(RepositoryTest, ABareRepositoryMeansItself) {
  GitFixture git;
  git.commit("first");
  const std::string bare = git.clone("bare.git", {"--bare"});
  expect_found(bare, bare, bare);
  expect_found(bare + "/refs/heads", bare, bare);
}

TEST_F(RepositoryTest, ALinkedWorkTreeHasItsOwnGitDirectoryAndTheCommonOne) {
  GitFixture git;
  git.commit("first");
  const std::string linked = git.add_worktree("linked");
  expect_found(linked, git.git_dir() + "/worktrees/linked", git.git_dir());
  expect_found(linked + "/.git", git.git_dir() + "/worktrees/linked", git.git_dir());
}

TEST_F(RepositoryTest, ASubmoduleMeansItsOwnRepository) {
  GitFixture git;
  git.commit("first");
  const std::string super = git.beside("super");
  git.run({"init", "--quiet", super});
  git.run_in(super, {"submodule", "--quiet", "add", "file://" + git.path(), "module"});
  expect_found(super + "/module", super + "/.git/modules/module", super + "/.git/modules/module");
}

TEST_F(RepositoryTest, SymlinksAndRelativeGitFilesAreFollowed) {
  GitFixture git;
  git.commit("first");
  std::filesystem::create_directory_symlink(git.path(), git.beside("link"));
  expect_found(git.beside("link"), git.git_dir(), git.git_dir());
  write_test_file(git.beside("elsewhere/.git"), "gitdir: ../repo/.git\n");
  expect_found(git.beside("elsewhere"), git.git_dir(), git.git_dir());
}

TEST_F(RepositoryTest, PathsInFilesMayEndInSpaces) {
  GitFixture git;
  git.commit("first");
  const std::string linked = git.add_worktree("linked");
  const std::string spaces = git.beside("spaces \t ");
  std::filesystem::rename(git.git_dir(), spaces);
  write_test_file(git.git_dir(), "gitdir: " + spaces + "\r\n");
  expect_found(git.path(), spaces, spaces);
  write_test_file(spaces + "/worktrees/linked/commondir", spaces + "\n");
  write_test_file(linked + "/.git", "gitdir: " + spaces + "/worktrees/linked\n");
  expect_found(linked, spaces + "/worktrees/linked", spaces);
}

TEST_F(RepositoryTest, WhatCannotBeLookedAtIsNotTakenForMissing) {
  GitFixture git;
  git.commit("first");
  const std::string inner = git.path() + "/inner";
  std::filesystem::create_directory(inner);
  expect_found(inner, git.git_dir(), git.git_dir());
  std::filesystem::create_symlink(".git", inner + "/.git");  // a cycle
  EXPECT_THAT(find_repository(inner), FailsWith(ErrorCode::kIo, "cannot look at"));
}

TEST_F(RepositoryTest, WhatIsNoRepositorySaysSo) {
  GitFixture git;
  write_test_file(git.beside("plain/file"), "x");
  EXPECT_THAT(find_repository(git.beside("plain")),
              FailsWith(ErrorCode::kInvalidArgument, "plain is not a Git repository"));
  EXPECT_THAT(find_repository(git.beside("plain/file")),
              FailsWith(ErrorCode::kInvalidArgument, "not a Git repository"));
  EXPECT_THAT(find_repository(git.beside("nothing")), FailsWith(ErrorCode::kNotFound, "nothing"));
  EXPECT_THAT(find_repository(git.beside("plain/file/x")), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(find_repository(""), FailsWith(ErrorCode::kInvalidArgument));
  write_test_file(git.beside("dangling/.git"), "gitdir: /nonexistent\n");
  EXPECT_THAT(find_repository(git.beside("dangling")),
              FailsWith(ErrorCode::kIncomplete, "/nonexistent"));
}

TEST_F(RepositoryTest, TheHashComesFromTheConfiguration) {
  GitFixture sha1;
  EXPECT_EQ(format_of(sha1.path()).value(), GitHash::kSha1);
  GitFixture sha256(GitHash::kSha256);
  EXPECT_EQ(format_of(sha256.path()).value(), GitHash::kSha256);
  std::filesystem::remove(sha1.git_dir() + "/config");
  EXPECT_EQ(format_of(sha1.path()).value(), GitHash::kSha1);
}

TEST_F(RepositoryTest, IncludedConfigurationIsNotRead) {
  GitFixture git;
  write_test_file(git.beside("included"), "[extensions]\n\tobjectformat = sha256\n[broken");
  git.run({"config", "include.path", git.beside("included")});
  EXPECT_EQ(format_of(git.path()).value(), GitHash::kSha1);
}

TEST_F(RepositoryTest, WhatBaleCannotReadIsUnsupported) {
  GitFixture git(GitHash::kSha256);
  const std::string config = read_test_file(git.git_dir() + "/config");
  const auto with = [&](const std::string& more) {
    write_test_file(git.git_dir() + "/config", config + more);
    return format_of(git.path());
  };
  EXPECT_THAT(with("[extensions]\nworktreeConfig = true\npartialClone = origin\n"), IsOk());
  EXPECT_THAT(with("[extensions]\nrefStorage = files\n"), IsOk());
  EXPECT_THAT(with("[extensions]\nrefStorage = reftable\n"),
              FailsWith(ErrorCode::kUnsupported, "reftable"));
  EXPECT_THAT(with("[extensions]\nfromTheFuture\n"),
              FailsWith(ErrorCode::kUnsupported, "fromthefuture"));
  EXPECT_THAT(with("[extensions]\nobjectFormat = sha512\n"),
              FailsWith(ErrorCode::kUnsupported, "sha512"));
  EXPECT_THAT(with("[core]\nrepositoryFormatVersion = 2\n"),
              FailsWith(ErrorCode::kUnsupported, "version 2"));
  EXPECT_THAT(with("[broken"), FailsWith(ErrorCode::kIncomplete, "config"));
}

TEST_F(RepositoryTest, ANamedPipeInPlaceOfAFileIsNotWaitedFor) {
  GitFixture git;
  const std::string pipe = git.beside("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(read_small_file(pipe, 100), FailsWith(ErrorCode::kIncomplete, "not a regular file"));
  write_test_file(git.beside("large"), std::string(101, 'x'));
  EXPECT_THAT(read_small_file(git.beside("large"), 100), FailsWith(ErrorCode::kIncomplete));
}

}  // namespace
}  // namespace bale
