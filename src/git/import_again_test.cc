// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Importing again: only what is new is stored, the counts stay exact, and older records stay as
// they were.

#include <algorithm>
#include <string>

#include "testing/git_fixture.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

std::uint64_t count_objects(GitFixture& git, const std::string& directory) {
  const std::string objects = describe_repository(git, directory).objects;
  return static_cast<std::uint64_t>(std::count(objects.begin(), objects.end(), '\n'));
}

// Imports, and expects so many new objects, and the count that git has.
void expect_import(GitFixture& git, StoreFixture& fixture, const std::string& directory,
                   const std::string& name, std::uint64_t objects_new) {
  ASSERT_OK_AND_ASSIGN(summary, fixture.import(directory, name));
  EXPECT_EQ(summary.objects_new, objects_new);
  EXPECT_EQ(summary.objects, count_objects(git, directory));
  EXPECT_EQ(fixture.record(name).objects, summary.objects);
  EXPECT_EQ(fixture.record(name).objects_new, summary.objects_new);
}

class ImportAgainTest : public testing::Test {
 protected:
  ImportAgainTest() {
    git_.write("a", "one");
    git_.write("dir/b", "two");
    git_.commit("first");
    git_.write("a", "three");
    git_.commit("second");
    import(5 + 3);
  }

  void import(std::uint64_t objects_new) {
    expect_import(git_, fixture_, git_.path(), "x", objects_new);
  }

  GitFixture git_;
  StoreFixture fixture_;
};

TEST_F(ImportAgainTest, NothingNewIsARecordAndNothingElse) {
  std::uint64_t walked = 0;
  GitImportOptions options{.name = "x"};
  options.operation.report = [&](const Progress& progress) {
    if (progress.phase == "archiving objects") ++walked;
  };
  ASSERT_OK_AND_ASSIGN(again, fixture_.import_with(git_.path(), options));
  EXPECT_EQ(again.objects_new, 0u);
  EXPECT_EQ(again.objects, 8u);
  EXPECT_EQ(again.bytes_in, 0u);
  EXPECT_EQ(walked, 0u);
  EXPECT_EQ(fixture_.newest_pack()->entry_count(), 1u);
  EXPECT_EQ(fixture_.record("x").previous.has_value(), true);
  EXPECT_EQ(fixture_.record("x").refs, fixture_.record("x", 1).refs);
}

TEST_F(ImportAgainTest, GrowthInEveryForm) {
  git_.write("c", "new");
  git_.commit("one more");
  import(3);
  git_.tag("v1", git_.oid("HEAD~1"));  // a tag of an old commit
  import(1);
  git_.run({"tag", "light", "HEAD~1"});
  import(0);
  git_.write("a", "one");  // as it was in the beginning
  git_.commit("revert");
  import(2);
  git_.run({"checkout", "--quiet", "-b", "side", "HEAD~2"});
  git_.write("c", "new");  // known from the other branch
  git_.write("d", "known to nobody");
  git_.commit("side");
  import(3);
  git_.run({"checkout", "--quiet", "main"});
  git_.merge({"side"});
  import(1);
  git_.run({"update-ref", "refs/blobs/old", "HEAD:dir/b"});
  import(0);
  ASSERT_OK_AND_ASSIGN(exported, fixture_.export_git("x"));
  EXPECT_EQ(describe_repository(git_, exported), describe_repository(git_, git_.path()));
  ASSERT_OK_AND_ASSIGN(report, fixture_.verify());
  EXPECT_TRUE(report.ok());
}

TEST_F(ImportAgainTest, DeletedAndRewrittenBranchesAndOlderRecords) {
  git_.run({"checkout", "--quiet", "-b", "side"});
  git_.write("side", "side");
  git_.commit("side");
  git_.tag("v1", git_.oid("HEAD"));
  import(4);
  const RepositoryState with_side = describe_repository(git_, git_.path());
  git_.run({"checkout", "--quiet", "main"});
  git_.run({"branch", "--quiet", "-D", "side"});
  import(0);  // the tag still has it
  git_.run({"tag", "--delete", "v1"});
  import(0);
  git_.run({"reset", "--quiet", "--hard", "HEAD~1"});
  git_.write("a", "rewritten");
  git_.commit("second, rewritten");
  import(3);
  // NAME@N is what stood then.
  const Record old = fixture_.record("x", 3);
  EXPECT_TRUE(old.refs.contains("refs/heads/side"));
  EXPECT_FALSE(fixture_.record("x").refs.contains("refs/heads/side"));
  ASSERT_OK_AND_ASSIGN(exported, fixture_.export_git("x", 3));
  RepositoryState exported_state = describe_repository(git_, exported);
  exported_state.head = with_side.head;  // compared below
  EXPECT_EQ(exported_state, with_side);
  EXPECT_EQ(old.head, "ref: refs/heads/side");
  EXPECT_THAT(fixture_.export_git("x", 5), FailsWith(ErrorCode::kNotFound, "x@4"));
}

TEST_F(ImportAgainTest, WhatComesBackAfterARewriteIsCounted) {
  const std::string second = git_.oid("HEAD").to_hex();
  git_.run({"reset", "--quiet", "--hard", "HEAD~1"});
  import(0);
  EXPECT_EQ(fixture_.record("x").objects, 5u);
  git_.run({"reset", "--quiet", "--hard", second});
  import(0);
  EXPECT_EQ(fixture_.record("x").objects, 8u);
}

TEST_F(ImportAgainTest, AForkStoresOnlyWhatDiffers) {
  const std::string fork = git_.clone("fork");
  write_test_file(fork + "/own", "own");
  git_.run_in(fork, {"add", "own"});
  git_.run_in(fork, {"commit", "--quiet", "-m", "own"});
  expect_import(git_, fixture_, fork, "fork", 3);
  // What the original has by now, the fork takes over; and a file becomes as it once was there.
  git_.write("e", "from the original");
  git_.commit("third");
  import(3);
  git_.run_in(fork, {"pull", "--quiet", "--no-rebase", "--no-edit", "origin", "main"});
  write_test_file(fork + "/a", "one");
  git_.run_in(fork, {"commit", "--quiet", "-a", "-m", "revert"});
  expect_import(git_, fixture_, fork, "fork", 2 + 2);
  write_test_file(fork + "/a", "three");
  git_.run_in(fork, {"commit", "--quiet", "-a", "-m", "revert the revert"});
  expect_import(git_, fixture_, fork, "fork", 1);
  ASSERT_OK_AND_ASSIGN(exported, fixture_.export_git("fork"));
  EXPECT_EQ(describe_repository(git_, exported).objects, describe_repository(git_, fork).objects);
}

TEST_F(ImportAgainTest, ASourceThatForgotTheOldHistoryIsTakenAsItIs) {
  git_.run({"checkout", "--quiet", "--orphan", "fresh"});
  git_.commit("all new");
  git_.run({"branch", "-D", "main"});
  git_.run({"reflog", "expire", "--expire=now", "--all"});
  git_.run({"gc", "--quiet", "--prune=now"});
  import(1);
  ASSERT_OK_AND_ASSIGN(old, fixture_.export_git("x", 1));
  EXPECT_EQ(git_.run_in(old, {"rev-list", "--count", "main"}), "2");
  // Another repository under the same name, and of the other hash.
  GitFixture other(GitHash::kSha256);
  other.write("a", "one");
  other.commit("first");
  expect_import(other, fixture_, other.path(), "x", 3);
  ASSERT_OK_AND_ASSIGN(report, fixture_.verify());
  EXPECT_TRUE(report.ok());
}

}  // namespace
}  // namespace bale
