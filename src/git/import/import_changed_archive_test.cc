// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Imports into a pruned or removed archive keep counts exact, although older records are gone.

#include <algorithm>
#include <string>

#include "bale/archive_changes.h"
#include "testing/git_fixture.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

class ImportChangedArchiveTest : public testing::Test {
 protected:
  // Expects this many new objects, and git's count.
  void import(std::uint64_t objects_new) {
    ASSERT_OK_AND_ASSIGN(summary, fixture_.import(git_.path(), "x"));
    EXPECT_EQ(summary.objects_new, objects_new);
    const std::string objects = describe_repository(git_, git_.path()).objects;
    EXPECT_EQ(summary.objects,
              static_cast<std::uint64_t>(std::count(objects.begin(), objects.end(), '\n')));
    EXPECT_EQ(fixture_.record("x").objects, summary.objects);
  }

  void commit(const std::string& name, const std::string& content) {
    git_.write(name, content);
    git_.commit(name + " is " + content);
  }

  void expect_the_same_back() {
    ASSERT_OK_AND_ASSIGN(exported, fixture_.export_git("x"));
    EXPECT_EQ(describe_repository(git_, exported), describe_repository(git_, git_.path()));
    ASSERT_OK_AND_ASSIGN(report, fixture_.verify());
    EXPECT_TRUE(report.ok());
  }

  GitFixture git_;
  StoreFixture fixture_;
};

TEST_F(ImportChangedArchiveTest, CountsStayExactAfterPruning) {
  commit("a", "one");
  import(3);
  commit("a", "two");
  import(3);
  commit("a", "three");
  import(3);
  for (const unsigned keep : {2U, 1U}) {
    ASSERT_OK_AND_ASSIGN(pruned,
                         prune_archive(fixture_.store(), "x", keep, {.work = {.sync = false}}));
    EXPECT_EQ(pruned.records_kept, keep);
    // A state of dropped records: the blob and the tree are known.
    git_.run({"rm", "--quiet", "--ignore-unmatch", "b"});
    commit("a", "one");
    import(1);
    commit("a", "two");
    import(1);
    commit("b", "new with " + std::to_string(keep));
    import(3);
    import(0);
  }
  expect_the_same_back();
}

// An empty first record makes a pruned chain look like one that reaches back to the first import.
TEST_F(ImportChangedArchiveTest, CountsStayExactAfterAnEmptyFirstRecordIsPruned) {
  ASSERT_OK_AND_ASSIGN(empty, fixture_.import(git_.path(), "x"));
  EXPECT_EQ(empty.objects, 0u);
  commit("a", "one");
  commit("a", "two");
  import(6);
  ASSERT_OK_AND_ASSIGN(pruned, prune_archive(fixture_.store(), "x", 1, {.work = {.sync = false}}));
  EXPECT_EQ(pruned.records_dropped, 1u);
  commit("a", "one");
  import(1);
  expect_the_same_back();
}

TEST_F(ImportChangedArchiveTest, AnArchiveThatWasRemovedBeginsAnewAndStoresNothingTwice) {
  commit("a", "one");
  import(3);
  commit("a", "two");
  import(3);
  ASSERT_THAT(remove_archive(fixture_.store(), "x", {.work = {.sync = false}}), IsOk());
  EXPECT_THAT(fixture_.export_git("x"), FailsWith(ErrorCode::kNotFound, "was removed on"));
  import(0);
  EXPECT_THAT(fixture_.export_git("x", 1), FailsWith(ErrorCode::kNotFound, "has 1 record,"));
  commit("a", "one");
  import(1);
  commit("c", "three");
  import(3);
  expect_the_same_back();
}

TEST_F(ImportChangedArchiveTest, ListsOfMissingObjectsAreFoundFromPrunedRecords) {
  commit("a", "one");
  commit("a", "two");
  const GitOid lost = git_.oid("HEAD~1:a");
  git_.remove_object(lost);
  for (const char* tag : {"one", "two"}) {
    git_.run({"tag", tag});
    ASSERT_THAT(fixture_.import_with(git_.path(), {.name = "x", .allow_missing = true}), IsOk());
  }
  ASSERT_THAT(prune_archive(fixture_.store(), "x", 1, {.work = {.sync = false}}), IsOk());
  EXPECT_EQ(fixture_.record("x").missing.count, 1u);
  ASSERT_OK_AND_ASSIGN(report, fixture_.verify({.archive = "x"}));
  EXPECT_TRUE(report.ok());
  EXPECT_THAT(fixture_.export_git("x"), IsOk());
}

}  // namespace
}  // namespace bale
