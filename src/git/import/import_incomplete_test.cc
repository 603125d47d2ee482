// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Sources that lack objects: shallow and partial clones, missing objects, and objects that do not
// match their id.

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "bale/store_verifier.h"
#include "bale/tree.h"
#include "store/core/oid_list.h"
#include "testing/git_fixture.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

// The ids that the archive's newest record names as missing.
std::set<GitOid> missing_of(StoreFixture& fixture, const std::string& name) {
  std::set<GitOid> missing;
  const Record record = fixture.record(name);
  if (!record.missing.list) return missing;
  ReadContext context;
  EXPECT_THAT(read_oid_list(fixture.store(), *record.missing.list, context,
                            [&](const GitOid& oid) -> Result<void> {
                              missing.insert(oid);
                              return {};
                            }),
              IsOk());
  EXPECT_EQ(missing.size(), record.missing.count);
  return missing;
}

TEST(IncompleteImportTest, ShallowBoundariesAreRecordedRestoredAndDeepened) {
  GitFixture git;
  for (int i = 0; i < 5; ++i) {
    git.write("a.txt", std::to_string(i));
    git.commit("commit " + std::to_string(i));
  }
  const std::string shallow = git.clone("shallow", {"--depth=2"});
  StoreFixture fixture;
  ASSERT_OK_AND_ASSIGN(first, fixture.import(shallow, "clone"));
  EXPECT_EQ(first.objects, 6u);
  ASSERT_EQ(fixture.record("clone").shallow.size(), 1u);
  EXPECT_EQ(fixture.record("clone").shallow.front(), git.oid("HEAD~1"));
  ASSERT_OK_AND_ASSIGN(cut, fixture.export_git("clone"));
  EXPECT_EQ(git.run_in(cut, {"rev-parse", "--is-shallow-repository"}), "true");
  EXPECT_EQ(describe_repository(git, cut), describe_repository(git, shallow));
  ASSERT_OK_AND_ASSIGN(cut_report, fixture.verify());
  EXPECT_TRUE(cut_report.ok());

  git.run_in(shallow, {"fetch", "--quiet", "--deepen=1"});
  ASSERT_OK_AND_ASSIGN(deeper, fixture.import(shallow, "clone"));
  EXPECT_EQ(deeper.objects, 9u);
  EXPECT_EQ(deeper.objects_new, 3u);
  git.run_in(shallow, {"fetch", "--quiet", "--unshallow"});
  ASSERT_OK_AND_ASSIGN(whole, fixture.import(shallow, "clone"));
  EXPECT_EQ(whole.objects, 15u);
  EXPECT_TRUE(fixture.record("clone").shallow.empty());
  ASSERT_OK_AND_ASSIGN(all, fixture.export_git("clone"));
  EXPECT_EQ(git.run_in(all, {"rev-parse", "--is-shallow-repository"}), "false");
  EXPECT_EQ(describe_repository(git, all), describe_repository(git, shallow));
  // The older record is as shallow as before, though the store has more objects now.
  ASSERT_OK_AND_ASSIGN(before, fixture.export_git("clone", 2));
  EXPECT_EQ(describe_repository(git, before).objects, describe_repository(git, cut).objects);
  ASSERT_OK_AND_ASSIGN(report, fixture.verify());
  EXPECT_TRUE(report.ok());
}

TEST(IncompleteImportTest, PartialClonesAreRefusedOrRecordedAndNeverFetched) {
  GitFixture git;
  for (int i = 0; i < 7; ++i) git.write("file" + std::to_string(i), std::to_string(i));
  git.commit("first");
  git.write("file0", "changed");
  git.commit("second");
  const std::string partial = git.clone("partial", {"--filter=blob:none", "--no-checkout"});
  const std::string marker = git.beside("marker");
  const std::string command = "touch " + marker + " #";
  for (const std::string key : {"core.sshCommand", "core.fsmonitor", "core.pager",
                                "remote.origin.uploadpack", "core.gitProxy", "credential.helper"}) {
    git.run_in(partial, {"config", key, command});
  }
  const std::string present = describe_database(git, partial);

  StoreFixture fixture;
  const auto before = fixture.files();
  const Result<GitImportSummary> refused = fixture.import(partial, "partial");
  ASSERT_THAT(refused, FailsWith(ErrorCode::kIncomplete, "8 objects are missing"));
  std::size_t named = 0;
  for (int i = 1; i < 7; ++i) {
    const std::string oid = git.oid("HEAD:file" + std::to_string(i)).to_hex();
    named += refused.error().message.find(oid) != std::string::npos ? 1u : 0u;
  }
  EXPECT_GE(named, 3u) << refused.error().message;
  EXPECT_EQ(fixture.files(), before);
  ReadContext unused;
  EXPECT_THAT(fixture.store().snapshot().record("partial", 0, unused),
              FailsWith(ErrorCode::kNotFound));

  ASSERT_OK_AND_ASSIGN(allowed,
                       fixture.import_with(partial, {.name = "partial", .allow_missing = true}));
  EXPECT_EQ(allowed.missing, 8u);
  EXPECT_EQ(allowed.objects, 4u);
  std::set<GitOid> expected = {git.oid("HEAD~1:file0")};
  for (int i = 0; i < 7; ++i) expected.insert(git.oid("HEAD:file" + std::to_string(i)));
  EXPECT_EQ(missing_of(fixture, "partial"), expected);
  ASSERT_OK_AND_ASSIGN(exported, fixture.export_git("partial"));
  EXPECT_EQ(describe_database(git, exported), present);
  ASSERT_OK_AND_ASSIGN(report, fixture.verify());
  EXPECT_THAT(report.errors, testing::IsEmpty());

  ReadContext context;
  EXPECT_THAT(resolve_path(fixture.store(), parse_archive_path("partial:file1")->front(), context),
              FailsWith(ErrorCode::kIncomplete));
  EXPECT_EQ(describe_database(git, partial), present);
  EXPECT_FALSE(std::filesystem::exists(marker));
  for (const std::string key : {"core.fsmonitor", "core.sshCommand", "remote.origin.uploadpack"}) {
    git.run_in(partial, {"config", "--unset", key});
  }
  // Once the source is complete, the archive is.
  git.run_in(partial, {"fetch", "--quiet", "--refetch", "--no-filter"});
  ASSERT_OK_AND_ASSIGN(whole, fixture.import(partial, "partial"));
  EXPECT_EQ(whole.objects, 12u);
  EXPECT_EQ(whole.objects_new, 8u);
  EXPECT_EQ(fixture.record("partial").missing.count, 0u);
}

TEST(IncompleteImportTest, AnyObjectMayHaveGoneMissing) {
  GitFixture git;
  git.write("a/b", "blob");
  const GitOid first = git.commit("first");
  git.write("a/b", "changed");
  git.commit("second");
  git.write("a/c", "third");
  git.commit("third");
  const GitOid tag = git.tag("v1", git.oid("HEAD~2"));

  struct Case {
    GitOid oid;
    std::uint64_t present;
  };

  const Case cases[] = {
      {git.oid("HEAD~1:a/b"), 13 - 1},  // a blob, which the last tree has too
      {git.oid("HEAD~1:a"), 13 - 1},    // a tree
      {first, 13 - 1 - 3},              // a commit in the middle, which hides what is behind it
      {tag, 13 - 1},                    // the tip of a ref
  };
  for (const auto& [oid, present] : cases) {
    SCOPED_TRACE(oid.to_hex());
    const std::string hidden = git.loose_path(oid) + ".hidden";
    std::filesystem::rename(git.loose_path(oid), hidden);
    StoreFixture fixture;
    const auto before = fixture.files();
    EXPECT_THAT(fixture.import(git.path(), "x"), FailsWith(ErrorCode::kIncomplete, oid.to_hex()));
    EXPECT_EQ(fixture.files(), before);
    ASSERT_OK_AND_ASSIGN(allowed,
                         fixture.import_with(git.path(), {.name = "x", .allow_missing = true}));
    EXPECT_EQ(missing_of(fixture, "x"), std::set<GitOid>{oid});
    EXPECT_EQ(allowed.objects, present);
    ASSERT_THAT(fixture.export_git("x"), IsOk());
    ASSERT_OK_AND_ASSIGN(report, fixture.verify());
    EXPECT_THAT(report.errors, testing::IsEmpty());
    std::filesystem::rename(hidden, git.loose_path(oid));
  }
}

TEST(IncompleteImportTest, ObjectsThatAreNotWhatTheirNameSaysAreRefused) {
  GitFixture git;
  git.write("a", "the truth");
  git.commit("first");
  const GitOid lie = git.write_blob("a lie");
  std::filesystem::remove(git.loose_path(git.oid("HEAD:a")));
  std::filesystem::copy(git.loose_path(lie), git.loose_path(git.oid("HEAD:a")));
  StoreFixture fixture;
  const auto before = fixture.files();
  for (const bool allow_missing : {false, true}) {
    EXPECT_THAT(fixture.import_with(git.path(), {.name = "x", .allow_missing = allow_missing}),
                FailsWith(ErrorCode::kIncomplete, git.oid("HEAD:a").to_hex()));
  }
  // A garbage file in place of an object.
  std::filesystem::remove(git.loose_path(git.oid("HEAD:a")));
  write_test_file(git.loose_path(git.oid("HEAD:a")), "rubbish");
  EXPECT_THAT(fixture.import(git.path(), "x"), FailsWith(ErrorCode::kIncomplete));
  EXPECT_EQ(fixture.files(), before);
}

TEST(IncompleteImportTest, ObjectsWithoutARefComeAlongWhenAskedFor) {
  GitFixture git;
  git.write("a", "one");
  git.commit("first");
  const GitOid blob = git.write_blob("nobody refers to me");
  git.write("lost", "a file of a lost commit");
  const GitOid lost = git.commit("lost");
  git.tag("lost-tag", lost);
  const GitOid tag = git.oid("lost-tag");
  git.run({"tag", "--delete", "lost-tag"});
  git.run({"reset", "--quiet", "--hard", "HEAD~1"});
  StoreFixture fixture;
  ASSERT_OK_AND_ASSIGN(plain, fixture.import(git.path(), "plain"));
  EXPECT_EQ(plain.objects, 3u);
  EXPECT_FALSE(fixture.store().snapshot().find(lost));
  ASSERT_OK_AND_ASSIGN(all, fixture.import_with(git.path(), {.name = "all", .all_objects = true}));
  EXPECT_EQ(all.objects, 8u);
  EXPECT_EQ(all.objects_new, 5u);
  EXPECT_EQ(fixture.record("all").unreached.count, 5u);
  for (const GitOid& oid : {blob, lost, tag}) EXPECT_TRUE(fixture.store().snapshot().find(oid));
  ASSERT_OK_AND_ASSIGN(exported, fixture.export_git("all"));
  EXPECT_EQ(describe_database(git, exported), describe_database(git, git.path()));
  ASSERT_OK_AND_ASSIGN(report, fixture.verify({.archive = "all"}));
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.objects, 8u);

  // The same into an empty store: every object once, the list and the record.
  StoreFixture fresh;
  ASSERT_THAT(fresh.import_with(git.path(), {.name = "all", .all_objects = true}), IsOk());
  EXPECT_EQ(fresh.newest_pack()->entry_count(), 8u + 2);
  EXPECT_EQ(fresh.newest_pack()->record_count(), 8u + 2);
  // Without them, nothing changed; the next change counts only reached objects.
  ASSERT_OK_AND_ASSIGN(unchanged, fresh.import_with(git.path(), {.name = "all"}));
  EXPECT_TRUE(unchanged.unchanged);
  git.run({"branch", "another"});
  ASSERT_OK_AND_ASSIGN(without, fresh.import_with(git.path(), {.name = "all"}));
  EXPECT_EQ(without.objects, 3u);
  EXPECT_EQ(fresh.record("all").unreached.count, 0u);
}

TEST(IncompleteImportTest, ObjectsWithoutARefMayLackWhatTheyLeadTo) {
  GitFixture git;
  git.write("a", "one");
  git.commit("first");
  git.write("lost", "a file of a lost commit");
  const GitOid lost = git.commit("lost");
  const GitOid lost_blob = git.oid("HEAD:lost");
  const GitOid lost_tree = git.oid("HEAD^{tree}");
  git.run({"reset", "--quiet", "--hard", "HEAD~1"});
  git.run({"reflog", "expire", "--expire=now", "--all"});
  git.remove_object(lost_tree);  // as by a prune that did not see the commit
  StoreFixture fixture;
  ASSERT_OK_AND_ASSIGN(all, fixture.import_with(git.path(), {.name = "all", .all_objects = true}));
  EXPECT_EQ(all.objects, 5u);
  EXPECT_TRUE(fixture.store().snapshot().find(lost));
  EXPECT_TRUE(fixture.store().snapshot().find(lost_blob));
  ASSERT_OK_AND_ASSIGN(exported, fixture.export_git("all"));
  EXPECT_EQ(describe_database(git, exported), describe_database(git, git.path()));
  ASSERT_OK_AND_ASSIGN(report, fixture.verify());
  EXPECT_THAT(report.errors, testing::IsEmpty());
}

}  // namespace
}  // namespace bale
