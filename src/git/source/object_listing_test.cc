// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "git/source/object_listing.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "git/source/source.h"
#include "testing/git_fixture.h"
#include "testing/matchers.h"

namespace bale {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

struct Listed {
  std::set<std::string> present;
  std::set<std::string> missing;
  std::multiset<std::string> from_database;
  std::map<std::string, std::string> paths;
};

Result<Listed> list(const std::string& path, const ListRequest& request) {
  const Operation operation;
  Result<GitSource> source = GitSource::open(path, operation);
  if (!source) return source.error();
  Listed listed;
  const Result<void> done =
      source->list_objects(request, [&](const ListedObject& object) -> Result<void> {
        const std::string hex = object.oid.to_hex();
        if (object.from_database) {
          listed.from_database.insert(hex);
        } else {
          EXPECT_TRUE((object.missing ? listed.missing : listed.present).insert(hex).second)
              << hex << " came twice";
        }
        if (object.path) listed.paths[hex] = std::string(*object.path);
        return {};
      });
  if (!done) return done.error();
  return listed;
}

// All refs and HEAD, as an import asks for them.
Result<Listed> list_all_refs(const std::string& path, bool all_objects = false) {
  const Operation operation;
  Result<GitSource> source = GitSource::open(path, operation);
  if (!source) return source.error();
  const Result<RefSnapshot> refs = source->refs();
  if (!refs) return refs.error();
  ListRequest request{.include = {}, .exclude = {}, .all_objects = all_objects};
  RefList::Reader reader(refs->refs);
  for (auto ref = reader.next(); ref && *ref; ref = reader.next()) {
    if ((*ref)->oid) request.include.push_back(*(*ref)->oid);
  }
  if (refs->head_oid) request.include.push_back(*refs->head_oid);
  return list(path, request);
}

std::set<std::string> words(const std::string& text) {
  std::set<std::string> ids;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) ids.insert(line.substr(0, line.find(' ')));
  return ids;
}

std::set<std::string> listed_by_git(GitFixture& git, const std::string& path) {
  return words(git.run_in(path, {"rev-list", "--objects", "--all", "HEAD"}));
}

// Three commits on main, a side branch with a merge, tags of every kind, a submodule.
void fill_with_listed(GitFixture& git) {
  git.write("a.txt", "one\n");
  git.write("dir/b.txt", "b\n");
  const GitOid first = git.commit("first");
  git.write("dir/b.txt", "b2\n");
  git.commit("second");
  git.run({"branch", "side", "HEAD~1"});
  git.run({"branch", "side2", git.run({"commit-tree", "-m", "root", "HEAD^{tree}"})});
  git.merge({"side", "side2"});
  git.commit_submodule(
      "module",
      GitOid::from_hex(std::string(git.oid("HEAD").hash() == GitHash::kSha1 ? 40 : 64, '7'))
          .value());
  git.tag("nested", git.tag("v1", first));
  git.tag("on-blob", git.write_blob("only tagged\n"));
  git.tag("on-tree", git.oid("HEAD~1:dir"));
  git.run({"tag", "light-on-blob", git.write_blob("light\n").to_hex()});
}

TEST(ObjectListingTest, ListsWhatGitLists) {
  for (const GitHash hash : {GitHash::kSha1, GitHash::kSha256}) {
    GitFixture git(hash);
    fill_with_listed(git);
    const Result<Listed> listed = list_all_refs(git.path());
    ASSERT_THAT(listed, IsOk());
    EXPECT_EQ(listed->present, listed_by_git(git, git.path()));
    EXPECT_GT(listed->present.size(), 15u);
    EXPECT_THAT(listed->missing, IsEmpty());
    git.run({"gc", "--quiet"});
    EXPECT_EQ(list_all_refs(git.path()).value().present, listed->present);
  }
}

TEST(ObjectListingTest, PathsAreHintsOfAnyBytes) {
  GitFixture git;
  git.write("dir/sp ace \"q\\.txt", "1");
  git.write("dir/\xff\xfe", "2");
  git.write("new\nline", "3");
  git.commit("odd");
  ASSERT_OK_AND_ASSIGN(listed, list_all_refs(git.path()));
  EXPECT_EQ(listed.present.size(), 6u);
  EXPECT_EQ(listed.paths[git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes("1")).to_hex()],
            "dir/sp ace \"q\\.txt");
  EXPECT_EQ(listed.paths[git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes("2")).to_hex()],
            "dir/\xff\xfe");
  EXPECT_EQ(listed.paths[git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes("3")).to_hex()],
            "new");
}

TEST(ObjectListingTest, RootsHaveAnEmptyPathAndCommitsAndTagsHaveNone) {
  GitFixture git;
  git.write("dir/a", "1");
  git.tag("v1", git.commit("first"));
  ASSERT_OK_AND_ASSIGN(listed, list_all_refs(git.path()));
  EXPECT_EQ(listed.present.size(), 5u);
  EXPECT_THAT(listed.paths,
              UnorderedElementsAre(std::pair(git.oid("HEAD^{tree}").to_hex(), ""),
                                   std::pair(git.oid("HEAD:dir").to_hex(), "dir"),
                                   std::pair(git.oid("HEAD:dir/a").to_hex(), "dir/a")));
}

TEST(ObjectListingTest, NothingIncludedIsNothingListed) {
  GitFixture git;
  ASSERT_OK_AND_ASSIGN(listed, list_all_refs(git.path(), true));
  EXPECT_THAT(listed.present, IsEmpty());
  EXPECT_THAT(listed.from_database, IsEmpty());
}

TEST(ObjectListingTest, WhatIsExcludedIsNotListedAndUnknownExclusionsDoNotMatter) {
  GitFixture git;
  fill_with_listed(git);
  const GitOid old_head = git.oid("HEAD");
  const GitOid old_tag = git.oid("refs/tags/nested");
  git.write("new.txt", "new\n");
  const GitOid head = git.commit("new");
  const GitOid tag = git.tag("newer", old_tag);
  ASSERT_OK_AND_ASSIGN(
      listed,
      list(git.path(), {.include = {head, old_tag, tag},
                        .exclude = {GitOid::from_hex(kAbsentOid).value(), old_head, old_tag}}));
  EXPECT_THAT(listed.present,
              UnorderedElementsAre(head.to_hex(), tag.to_hex(), git.oid("HEAD^{tree}").to_hex(),
                                   git.oid("HEAD:new.txt").to_hex()));
  EXPECT_THAT(listed.missing, IsEmpty());
}

TEST(ObjectListingTest, AllObjectsAreThoseOfTheDatabaseToo) {
  GitFixture git;
  fill_with_listed(git);
  const std::string stray = git.write_blob("nothing refers to me").to_hex();
  const std::string other = git.beside("other");
  git.run({"init", "--quiet", other});
  git.run_in(other, {"fetch", "--quiet", git.path(), "main"});
  const std::string borrowed =
      git.run_in(other, {"commit-tree", "-m", "only there", "FETCH_HEAD^{tree}"});
  write_test_file(git.git_dir() + "/objects/info/alternates", "../../../other/.git/objects\n");
  ASSERT_OK_AND_ASSIGN(listed, list_all_refs(git.path(), true));
  EXPECT_EQ(listed.present, listed_by_git(git, git.path()));
  std::set<std::string> expected = listed.present;
  expected.insert(stray);
  expected.insert(borrowed);
  EXPECT_EQ(std::set<std::string>(listed.from_database.begin(), listed.from_database.end()),
            expected);
  EXPECT_EQ(listed.from_database.size(), expected.size());
}

TEST(ObjectListingTest, BorrowedObjectsCountAsThere) {
  GitFixture git;
  fill_with_listed(git);
  const std::string shared = git.beside("shared");
  git.run({"clone", "--quiet", "--shared", git.path(), shared});
  ASSERT_OK_AND_ASSIGN(listed, list_all_refs(shared));
  EXPECT_EQ(listed.present, listed_by_git(git, shared));
  EXPECT_THAT(listed.missing, IsEmpty());
}

TEST(ObjectListingTest, AShallowCloneEndsAtItsBoundary) {
  GitFixture git;
  fill_with_listed(git);
  const std::string shallow = git.clone("shallow", {"--depth=2"});
  ASSERT_OK_AND_ASSIGN(listed, list_all_refs(shallow));
  EXPECT_EQ(listed.present, listed_by_git(git, shallow));
  EXPECT_THAT(listed.missing, IsEmpty());
}

// Removes each object but HEAD's own: all objects not reached through it must be listed, and it
// must be reported.
TEST(ObjectListingTest, EveryKindOfMissingObjectIsReportedAndTheRestListed) {
  GitFixture git;
  fill_with_listed(git);
  const std::set<std::string> all = listed_by_git(git, git.path());
  const std::string trees_and_commits =
      git.run({"cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)"});
  for (const std::string& hex : all) {
    const GitOid oid = GitOid::from_hex(hex).value();
    const bool is_leaf = trees_and_commits.find(hex + " blob") != std::string::npos;
    const std::string saved = read_test_file(git.loose_path(oid));
    git.remove_object(oid);
    const Result<Listed> listed = list_all_refs(git.path());
    write_test_file(git.loose_path(oid), saved);
    ASSERT_THAT(listed, IsOk()) << hex;
    EXPECT_THAT(listed->missing, ElementsAre(hex));
    std::set<std::string> rest = all;
    rest.erase(hex);
    if (is_leaf) {
      EXPECT_EQ(listed->present, rest) << hex;
    }
    EXPECT_TRUE(
        std::includes(rest.begin(), rest.end(), listed->present.begin(), listed->present.end()));
  }
}

TEST(ObjectListingTest, ALongHistoryWithSeveralHolesIsListedAroundThem) {
  GitFixture git;
  std::vector<GitOid> commits;
  for (int i = 0; i < 10; ++i) {
    git.write("f", std::to_string(i));
    commits.push_back(git.commit(std::to_string(i)));
  }
  git.run({"branch", "old", commits[1].to_hex()});
  git.run({"branch", "middle", commits[5].to_hex()});
  git.merge({"middle"});
  for (const std::size_t hole : {2U, 7U}) git.remove_object(commits[hole]);
  ASSERT_OK_AND_ASSIGN(listed, list_all_refs(git.path()));
  EXPECT_THAT(listed.missing, UnorderedElementsAre(commits[2].to_hex(), commits[7].to_hex()));
  for (const std::size_t there : {0U, 1U, 3U, 4U, 5U, 8U, 9U}) {
    EXPECT_EQ(listed.present.count(commits[there].to_hex()), 1u) << there;
  }
  EXPECT_EQ(listed.present.count(commits[6].to_hex()), 0u);
}

TEST(ObjectListingTest, AMissingParentIsReportedBehindAnExclusionToo) {
  GitFixture git;
  git.commit("first");
  const GitOid second = git.commit("second");
  const GitOid third = git.commit("third");
  git.run({"checkout", "--quiet", "--orphan", "other"});
  const GitOid known = git.commit("known");
  const GitOid merged = git.merge({third.to_hex()});
  git.remove_object(second);
  ASSERT_OK_AND_ASSIGN(listed, list(git.path(), {.include = {merged}, .exclude = {known, second}}));
  EXPECT_EQ(listed.present.count(third.to_hex()), 1u);
  EXPECT_EQ(listed.present.count(known.to_hex()), 0u);
  EXPECT_THAT(listed.missing, ElementsAre(second.to_hex()));
}

TEST(ObjectListingTest, TipsThatAreMissingAreReported) {
  GitFixture git;
  fill_with_listed(git);
  write_test_file(git.git_dir() + "/refs/heads/lost", kAbsentOid + "\n");
  ASSERT_OK_AND_ASSIGN(listed, list_all_refs(git.path()));
  EXPECT_THAT(listed.missing, ElementsAre(kAbsentOid));
  EXPECT_GT(listed.present.size(), 15u);
}

TEST(ObjectListingTest, APartialCloneReportsWhatItWouldFetchAndFetchesNothing) {
  GitFixture git;
  fill_with_listed(git);
  for (const std::string filter : {"--filter=blob:none", "--filter=tree:0"}) {
    const std::string partial = git.clone("partial" + filter, {"--bare", filter});
    const std::string marker = git.beside("marker");
    write_test_file(git.beside("evil"), "#!/bin/sh\ntouch " + marker + "\nexit 1\n");
    std::filesystem::permissions(git.beside("evil"), std::filesystem::perms::owner_all);
    for (const std::string key : {"core.sshCommand", "core.fsmonitor", "core.gitProxy",
                                  "remote.origin.uploadpack", "core.pager", "alias.cat-file"}) {
      git.run_in(partial, {"config", key, git.beside("evil")});
    }
    git.run_in(partial, {"config", "remote.origin.url", "ext::" + git.beside("evil")});
    git.run_in(partial, {"config", "protocol.allow", "always"});
    ASSERT_OK_AND_ASSIGN(listed, list_all_refs(partial));
    EXPECT_GT(listed.missing.size(), 2u);
    const std::set<std::string> all = listed_by_git(git, git.path());
    EXPECT_TRUE(
        std::includes(all.begin(), all.end(), listed.present.begin(), listed.present.end()));
    EXPECT_EQ(listed.missing.count(git.oid("main:a.txt").to_hex()) +
                  listed.missing.count(git.oid("main^{tree}").to_hex()),
              1u);
    EXPECT_FALSE(std::filesystem::exists(marker));
  }
}

TEST(ObjectListingTest, ReplacementsAndGraftsDoNotHideTheTrueObjects) {
  GitFixture git;
  git.write("a", "1");
  const GitOid first = git.commit("first");
  git.write("a", "2");
  const GitOid second = git.commit("second");
  const GitOid third = git.commit("third");
  git.run({"replace", second.to_hex(), first.to_hex()});
  write_test_file(git.git_dir() + "/info/grafts", third.to_hex() + "\n");
  ASSERT_OK_AND_ASSIGN(listed, list(git.path(), {.include = {third}}));
  EXPECT_EQ(listed.present.size(), 7u);
  EXPECT_EQ(listed.present.count(second.to_hex()), 1u);
  EXPECT_EQ(
      listed.present.count(git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes("2")).to_hex()), 1u);
}

TEST(ObjectListingTest, ADamagedTreeIsAnErrorOrMissingAndNeverSilent) {
  GitFixture git;
  git.write("dir/a", "1");
  git.commit("first");
  const GitOid tree = git.oid("HEAD:dir");
  std::filesystem::remove(git.loose_path(tree));
  write_test_file(git.loose_path(tree), "damage");
  const Result<Listed> listed = list_all_refs(git.path());
  if (listed) {
    EXPECT_THAT(listed->missing, ElementsAre(tree.to_hex()));
  } else {
    EXPECT_THAT(listed, FailsWith(ErrorCode::kIncomplete, tree.to_hex()));
  }
}

TEST(ObjectListingTest, ATagThatNamesNoObjectIsAnErrorThatNamesIt) {
  GitFixture git;
  const GitOid tag = git.write_object("tag", "nonsense\n");
  EXPECT_THAT(list(git.path(), {.include = {tag}}),
              FailsWith(ErrorCode::kIncomplete, tag.to_hex()));
}

TEST(ObjectListingTest, AnErrorOfTheCallerEndsTheListing) {
  GitFixture git;
  fill_with_listed(git);
  const Operation operation;
  ASSERT_OK_AND_ASSIGN(source, GitSource::open(git.path(), operation));
  int calls = 0;
  EXPECT_THAT(source.list_objects({.include = {git.oid("HEAD")}},
                                  [&](const ListedObject&) -> Result<void> {
                                    if (++calls < 3) return {};
                                    return Error{ErrorCode::kLimitExceeded, "enough"};
                                  }),
              FailsWith(ErrorCode::kLimitExceeded, "enough"));
  EXPECT_EQ(calls, 3);
}

TEST(ObjectListingTest, CancellationEndsTheListing) {
  GitFixture git;
  fill_with_listed(git);
  std::atomic<bool> cancel = false;
  const Operation operation{.report = {}, .cancel = &cancel};
  ASSERT_OK_AND_ASSIGN(source, GitSource::open(git.path(), operation));
  EXPECT_THAT(
      source.list_objects({.include = {git.oid("HEAD")}, .exclude = {}, .all_objects = true},
                          [&](const ListedObject&) -> Result<void> {
                            cancel = true;
                            return {};
                          }),
      FailsWith(ErrorCode::kInterrupted));
}

}  // namespace
}  // namespace bale
