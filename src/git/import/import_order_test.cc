// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The order in which an import packs objects, and its progress reports.

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "testing/git_fixture.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

// Five commits, each of which changes three files.
class ImportOrderTest : public testing::Test {
 protected:
  ImportOrderTest() {
    for (const std::string version : {"1", "2", "3", "4", "5"}) {
      for (const std::string path : {"one/same.txt", "other.txt", "two/same.txt"}) {
        git_.write(path, path + " at " + version + "\n");
      }
      name(git_.commit(version), "commit", version);
      name(git_.oid("HEAD^{tree}"), "root", version);
      for (const std::string path : {"one", "two", "one/same.txt", "other.txt", "two/same.txt"}) {
        name(git_.oid("HEAD:" + path), path, version);
      }
    }
  }

  void name(const GitOid& oid, const std::string& what, const std::string& version) {
    names_[oid] = {what, version};
  }

  // The pack's objects in order: names, each with its consecutive versions.
  std::vector<std::pair<std::string, std::string>> runs() {
    std::map<std::uint64_t, GitOid> by_offset;
    for (const auto& [oid, named] : names_) {
      const auto location = fixture_.store().snapshot().find(oid);
      EXPECT_TRUE(location.has_value()) << named.first;
      if (location) by_offset[location->offset] = oid;
    }
    std::vector<std::pair<std::string, std::string>> runs;
    for (const auto& [offset, oid] : by_offset) {
      const auto& [what, version] = names_[oid];
      if (runs.empty() || runs.back().first != what) runs.emplace_back(what, "");
      runs.back().second += version;
    }
    return runs;
  }

  void expect_all_in_order() {
    const auto found = runs();
    EXPECT_THAT(found, UnorderedElementsAre(
                           std::pair("commit", "54321"), std::pair("root", "54321"),
                           std::pair("one", "54321"), std::pair("two", "54321"),
                           std::pair("one/same.txt", "54321"), std::pair("two/same.txt", "54321"),
                           std::pair("other.txt", "54321")));
    EXPECT_EQ(found.front().first, "commit");
    const auto same = std::find_if(found.begin(), found.end(),
                                   [](const auto& run) { return run.first.ends_with("same.txt"); });
    EXPECT_TRUE(same[1].first.ends_with("same.txt"));
  }

  GitFixture git_;
  StoreFixture fixture_;
  std::map<GitOid, std::pair<std::string, std::string>> names_;
};

TEST_F(ImportOrderTest, VersionsOfAPathLieNextToEachOtherNewestFirst) {
  ASSERT_THAT(fixture_.import(git_.path(), "x"), IsOk());
  expect_all_in_order();
}

TEST_F(ImportOrderTest, TheOrderIsTheSameWithoutDeltas) {
  ASSERT_THAT(fixture_.import_with(git_.path(), {.name = "x", .deltas = false}), IsOk());
  expect_all_in_order();
}

TEST_F(ImportOrderTest, OnlyWhatIsNewIsOrderedTheSecondTime) {
  ASSERT_THAT(fixture_.import(git_.path(), "x"), IsOk());
  names_.clear();
  for (const std::string version : {"6", "7"}) {
    git_.write("other.txt", version);
    name(git_.commit(version), "commit", version);
    name(git_.oid("HEAD:other.txt"), "other.txt", version);
  }
  ASSERT_THAT(fixture_.import(git_.path(), "x"), IsOk());
  EXPECT_THAT(runs(), ElementsAre(std::pair("commit", "76"), std::pair("other.txt", "76")));
}

TEST_F(ImportOrderTest, WithAllObjectsWhatNothingReachesComesLast) {
  name(git_.write_blob("lost"), "lost", "");
  git_.write("gone.txt", "gone");
  git_.commit("gone");
  name(git_.oid("HEAD:gone.txt"), "lost", "");
  git_.run({"reset", "--quiet", "--hard", "HEAD~1"});
  git_.run({"repack", "--quiet", "-a", "-d"});
  ASSERT_THAT(fixture_.import_with(git_.path(), {.name = "x", .all_objects = true}), IsOk());
  const auto found = runs();
  EXPECT_EQ(found.size(), 8u);
  EXPECT_EQ(found.front(), (std::pair<std::string, std::string>("commit", "54321")));
  EXPECT_EQ(found.back().first, "lost");
  EXPECT_THAT(found, testing::Contains(std::pair("other.txt", "54321")));
}

TEST_F(ImportOrderTest, ProgressTellsOfTheListingThenOfObjectsWithTheirNumber) {
  std::vector<std::string> phases;
  std::uint64_t last = 0;
  GitImportOptions options{.name = "x"};
  options.work.operation.report = [&](const Progress& progress) {
    if (phases.empty() || phases.back() != progress.phase) phases.emplace_back(progress.phase);
    if (progress.phase != "archiving objects") return;
    EXPECT_EQ(progress.objects_total, names_.size());
    EXPECT_GE(progress.objects, last);
    last = progress.objects;
  };
  ASSERT_THAT(fixture_.import_with(git_.path(), options), IsOk());
  ASSERT_GE(phases.size(), 2u);
  EXPECT_EQ(phases[0], "listing objects");
  EXPECT_EQ(phases[1], "archiving objects");
  EXPECT_EQ(std::count(phases.begin(), phases.end(), "listing objects"), 1);
  EXPECT_EQ(last, names_.size());
}

}  // namespace
}  // namespace bale
