// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Repeated imports store only new objects, keep counts exact, and do not change older records.

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "testing/git_fixture.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

std::uint64_t count_objects(GitFixture& git, const std::string& directory) {
  const std::string objects = describe_repository(git, directory).objects;
  return static_cast<std::uint64_t>(std::count(objects.begin(), objects.end(), '\n'));
}

// Imports, and expects this many new objects, and git's count.
void expect_import(GitFixture& git, StoreFixture& fixture, const std::string& directory,
                   const std::string& name, std::uint64_t objects_new,
                   GitImportSummary* last = nullptr) {
  ASSERT_OK_AND_ASSIGN(summary, fixture.import(directory, name));
  if (last != nullptr) *last = summary;
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
    expect_import(git_, fixture_, git_.path(), "x", objects_new, &last_);
  }

  GitFixture git_;
  StoreFixture fixture_;
  GitImportSummary last_;
};

TEST_F(ImportAgainTest, WhereNothingChangedNothingIsListedOrWritten) {
  const auto before = fixture_.files();
  ASSERT_OK_AND_ASSIGN(newest, fixture_.store().snapshot().newest_record("x"));
  std::uint64_t listed = 0;
  GitImportOptions options{.name = "x"};
  options.work.operation.report = [&](const Progress& progress) {
    if (progress.phase == "listing objects") ++listed;
  };
  ASSERT_OK_AND_ASSIGN(again, fixture_.import_with(git_.path(), options));
  EXPECT_TRUE(again.unchanged);
  EXPECT_EQ(again.record, newest);
  EXPECT_EQ(again.pack, "");
  EXPECT_EQ(again.objects, 8u);
  EXPECT_EQ(again.objects_new, 0u);
  EXPECT_EQ(listed, 0u);
  EXPECT_EQ(fixture_.files(), before);
}

// A ref, HEAD, a symbolic ref: a record without objects.
TEST_F(ImportAgainTest, WhatIsNoObjectIsAChangeToo) {
  const std::vector<std::vector<std::string>> changes = {
      {"branch", "other"},
      {"symbolic-ref", "HEAD", "refs/heads/other"},
      {"symbolic-ref", "refs/heads/alias", "refs/heads/main"},
      {"symbolic-ref", "refs/heads/alias", "refs/heads/other"},
      {"branch", "-D", "main"},
  };
  for (const std::vector<std::string>& change : changes) {
    git_.run(change);
    ASSERT_OK_AND_ASSIGN(summary, fixture_.import(git_.path(), "x"));
    EXPECT_FALSE(summary.unchanged) << change.back();
    EXPECT_EQ(summary.objects_new, 0u);
    EXPECT_EQ(fixture_.newest_pack()->entry_count(), 1u);
    ASSERT_OK_AND_ASSIGN(again, fixture_.import(git_.path(), "x"));
    EXPECT_TRUE(again.unchanged) << change.back();
  }
  EXPECT_EQ(fixture_.record("x").number, 1 + changes.size());
}

TEST_F(ImportAgainTest, WithAllObjectsOrWithMissingOnesTheListDecides) {
  git_.write_blob("nobody refers to me");
  ASSERT_OK_AND_ASSIGN(all, fixture_.import_with(git_.path(), {.name = "x", .all_objects = true}));
  EXPECT_FALSE(all.unchanged);
  auto before = fixture_.files();
  ASSERT_OK_AND_ASSIGN(same, fixture_.import_with(git_.path(), {.name = "x", .all_objects = true}));
  EXPECT_TRUE(same.unchanged);
  EXPECT_EQ(fixture_.files(), before);
  git_.write_blob("another");
  ASSERT_OK_AND_ASSIGN(more, fixture_.import_with(git_.path(), {.name = "x", .all_objects = true}));
  EXPECT_EQ(more.objects_new, 1u);

  const GitOid lost = git_.oid("HEAD:dir/b");
  const std::string path = git_.loose_path(lost);
  const std::string content = read_test_file(path);
  git_.remove_object(lost);
  StoreFixture other;
  const GitImportOptions allowed{.name = "y", .allow_missing = true};
  ASSERT_THAT(other.import_with(git_.path(), allowed), IsOk());
  before = other.files();
  ASSERT_OK_AND_ASSIGN(still, other.import_with(git_.path(), allowed));
  EXPECT_TRUE(still.unchanged);
  EXPECT_EQ(still.missing, 1u);
  EXPECT_EQ(other.files(), before);
  EXPECT_THAT(other.import(git_.path(), "y"), FailsWith(ErrorCode::kIncomplete, lost.to_hex()));
  write_test_file(path, content);
  ASSERT_OK_AND_ASSIGN(whole, other.import(git_.path(), "y"));
  EXPECT_FALSE(whole.unchanged);
  EXPECT_EQ(whole.objects_new, 1u);
  EXPECT_EQ(other.record("y").missing.count, 0u);
}

TEST_F(ImportAgainTest, WhatWasListedIsReportedThoughNothingChanged) {
  const GitOid commit = git_.oid("HEAD");
  const GitOid tag = git_.write_object("tag", "object " + commit.to_hex() + "\ntype blob\n");
  write_test_file(git_.git_dir() + "/refs/tags/t", tag.to_hex() + "\n");
  write_test_file(git_.git_dir() + "/refs/heads/gone", std::string(40, '7') + "\n");
  const GitImportOptions options{.name = "x", .all_objects = true, .allow_missing = true};
  for (const bool unchanged : {false, true}) {
    ASSERT_OK_AND_ASSIGN(summary, fixture_.import_with(git_.path(), options));
    EXPECT_EQ(summary.unchanged, unchanged);
    EXPECT_EQ(summary.mismatched_links, 1u);
    EXPECT_EQ(summary.missing, 1u);
    EXPECT_EQ(summary.missing_refs, std::vector<std::string>{"refs/heads/gone"});
  }
}

// The pack with the refs' objects is gone, so the import must not report "unchanged".
TEST_F(ImportAgainTest, WhatTheStoreHasLostIsImportedAgain) {
  const auto before = fixture_.files();
  git_.run({"branch", "first"});
  git_.write("c", "new");
  git_.commit("third");
  import(3);
  for (const auto& [file, size] : fixture_.files()) {
    if (before.contains(file) && file.find("/packs/") != std::string::npos) {
      std::filesystem::remove(file);
    }
  }
  fixture_.store() = fixture_.reopened();
  import(8);
  EXPECT_EQ(fixture_.record("x").number, 3u);
}

TEST_F(ImportAgainTest, GrowthInEveryForm) {
  git_.write("c", "new");
  git_.commit("one more");
  import(3);
  git_.tag("v1", git_.oid("HEAD~1"));  // a tag of an old commit
  import(1);
  git_.run({"tag", "light", "HEAD~1"});
  import(0);
  git_.write("a", "one");  // the first content again
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
  // NAME@N has the old state.
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
  // The fork takes over the original's changes; a file returns to an earlier content of it.
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
  EXPECT_TRUE(last_.replaced);
  ASSERT_OK_AND_ASSIGN(old, fixture_.export_git("x", 1));
  EXPECT_EQ(git_.run_in(old, {"rev-list", "--count", "main"}), "2");
  ASSERT_OK_AND_ASSIGN(report, fixture_.verify());
  EXPECT_TRUE(report.ok());
}

}  // namespace
}  // namespace bale
