// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// An import checks that the listed objects are those that bale reaches: links of a wrong type,
// objects that Git cannot parse, and damaged objects of the store.

#include "git/import/import_check.h"

#include <filesystem>
#include <string>

#include "bale/store_repair.h"
#include "base/hex.h"
#include "base/known_id.h"
#include "base/try.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

namespace fs = std::filesystem;

std::string entry(std::string_view mode, std::string_view name, const GitOid& oid) {
  return std::string(mode) + " " + std::string(name) + std::string(1, '\0') +
         std::string(as_text(oid.bytes()));
}

std::string commit_of(const GitOid& tree) {
  return "tree " + tree.to_hex() +
         "\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nmessage\n";
}

GitOid oid_number(unsigned number) {
  std::array<std::byte, 20> bytes{};
  bytes[0] = static_cast<std::byte>(number * 37 % 251);
  bytes[1] = static_cast<std::byte>(number);
  return known_id<GitOid>(GitHash::kSha1, bytes);
}

class ImportCheckTest : public testing::Test {
 protected:
  ImportCheckTest() {
    ImportCheckOptions options{.memory_bytes = kMinImportCheckBytes,
                               .file_system = nullptr,
                               .scratch_directory = fixture_.path() + "/staging",
                               .shallow = &shallow_,
                               .operation = &operation_};
    check_.emplace(std::move(ImportCheck::create(options)).value());
  }

  // A tree with one entry.
  void add_tree(LinkLog& log, unsigned number, std::string_view mode, unsigned target) {
    EXPECT_THAT(log.add_object(oid_number(number), ObjectType::kTree,
                               as_bytes(entry(mode, "f", oid_number(target)))),
                IsOk());
  }

  ImportCheckResult finish(bool incremental = false) {
    return std::move(check_->finish(fixture_.store(), incremental)).value();
  }

  StoreFixture fixture_;
  Operation operation_;
  std::vector<GitOid> shallow_;
  std::optional<ImportCheck> check_;
};

TEST_F(ImportCheckTest, WhatIsListedAndLinkedIsWhole) {
  ASSERT_THAT(check_->listed().add_tip(oid_number(1)), IsOk());
  add_tree(check_->received(), 1, "40000", 2);
  add_tree(check_->listed(), 2, "100644", 3);
  ASSERT_THAT(check_->received().add_object(oid_number(3), ObjectType::kBlob, {}), IsOk());
  const ImportCheckResult result = finish();
  EXPECT_TRUE(result.more_roots.empty());
  EXPECT_FALSE(result.unlinked);
  EXPECT_EQ(result.mismatched_links, 0u);
}

TEST_F(ImportCheckTest, ALinkToWhatWasNotListedIsMoreToList) {
  ASSERT_THAT(check_->listed().add_tip(oid_number(1)), IsOk());
  add_tree(check_->received(), 1, "100644", 2);
  add_tree(check_->received(), 2, "100644", 3);
  const ImportCheckResult result = finish();
  EXPECT_THAT(result.more_roots, testing::ElementsAre(oid_number(3)));
  EXPECT_EQ(result.mismatched_links, 1u);
}

TEST_F(ImportCheckTest, WhatNothingLeadsToIsNamed) {
  ASSERT_THAT(check_->listed().add_tip(oid_number(1)), IsOk());
  ASSERT_THAT(check_->received().add_object(oid_number(1), ObjectType::kBlob, {}), IsOk());
  ASSERT_THAT(check_->received().add_object(oid_number(2), ObjectType::kBlob, {}), IsOk());
  EXPECT_EQ(finish().unlinked, oid_number(2));
}

TEST_F(ImportCheckTest, WhatIsMissingOrWithoutARefNeedsNoMore) {
  ASSERT_THAT(check_->listed().add_tip(oid_number(1)), IsOk());
  add_tree(check_->received(), 1, "40000", 2);
  ASSERT_THAT(check_->listed().add_missing(oid_number(2)), IsOk());
  ASSERT_THAT(check_->received().add_unreached(oid_number(9)), IsOk());
  const ImportCheckResult result = finish();
  EXPECT_TRUE(result.more_roots.empty());
  EXPECT_FALSE(result.unlinked);
}

TEST_F(ImportCheckTest, WhatALinkLeadsToIsReachedAfterAll) {
  ASSERT_THAT(check_->listed().add_tip(oid_number(1)), IsOk());
  add_tree(check_->received(), 1, "100644", 2);
  ASSERT_THAT(check_->received().add_unreached(oid_number(2)), IsOk());
  EXPECT_THAT(finish().more_roots, testing::ElementsAre(oid_number(2)));
}

TEST_F(ImportCheckTest, ParentsBehindAShallowBoundaryAreNotWanted) {
  shallow_ = {oid_number(1)};
  ASSERT_THAT(check_->listed().add_tip(oid_number(1)), IsOk());
  const std::string commit =
      "tree " + oid_number(2).to_hex() + "\nparent " + oid_number(3).to_hex() + "\nauthor A\n";
  ASSERT_THAT(check_->received().add_object(oid_number(1), ObjectType::kState, as_bytes(commit)),
              IsOk());
  ASSERT_THAT(check_->received().add_object(oid_number(2), ObjectType::kTree, {}), IsOk());
  EXPECT_TRUE(finish().more_roots.empty());
}

// ---- whole imports

TEST(ImportLyingLinksTest, WhatATreeHidesBehindTheModeOfAFileIsArchived) {
  GitFixture git;
  const GitOid blob = git.write_blob("content");
  const GitOid inner = git.write_object("tree", entry("100644", "file", blob));
  const GitOid outer = git.write_object("tree", entry("100644", "dir", inner));
  git.run({"update-ref", "refs/heads/main", git.write_object("commit", commit_of(outer)).to_hex()});
  StoreFixture fixture;
  ASSERT_OK_AND_ASSIGN(summary, fixture.import(git.path(), "odd"));
  EXPECT_EQ(summary.objects, 4u);
  EXPECT_EQ(summary.mismatched_links, 1u);
  EXPECT_TRUE(fixture.store().snapshot().find(blob));
  ASSERT_OK_AND_ASSIGN(report, fixture.verify({.archive = "odd"}));
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.objects, 4u);
  ASSERT_OK_AND_ASSIGN(exported, fixture.export_git("odd"));
  EXPECT_EQ(describe_database(git, exported), describe_database(git, git.path()));
  // Again under another name: everything is stored and counted.
  ASSERT_OK_AND_ASSIGN(again, fixture.import(git.path(), "again"));
  EXPECT_EQ(again.objects, 4u);
  EXPECT_EQ(again.objects_new, 0u);
}

TEST(ImportLyingLinksTest, WhatTheSourceLacksBehindSuchALinkIsMissing) {
  GitFixture git;
  const GitOid blob = git.write_blob("content");
  const GitOid inner = git.write_object("tree", entry("100644", "file", blob));
  const GitOid outer = git.write_object("tree", entry("100644", "dir", inner));
  git.run({"update-ref", "refs/heads/main", git.write_object("commit", commit_of(outer)).to_hex()});
  git.remove_object(blob);
  StoreFixture fixture;
  EXPECT_THAT(fixture.import(git.path(), "odd"), FailsWith(ErrorCode::kIncomplete, blob.to_hex()));
  ASSERT_OK_AND_ASSIGN(summary,
                       fixture.import_with(git.path(), {.name = "odd", .allow_missing = true}));
  EXPECT_EQ(summary.missing, 1u);
  ASSERT_OK_AND_ASSIGN(report, fixture.verify());
  EXPECT_TRUE(report.ok());
  EXPECT_THAT(fixture.export_git("odd"), IsOk());
}

// One tree is reached only as a file of two others, of which one is found by following such a link.
TEST(ImportLyingLinksTest, WhatManyLinksHideIsArchivedThoughGitWouldStopAtIt) {
  GitFixture git;
  const GitOid blob = git.write_blob("content");
  const GitOid lowest = git.write_object("tree", entry("100644", "file", blob));
  const GitOid low = git.write_object("tree", entry("100644", "lowest", lowest));
  const GitOid inner =
      git.write_object("tree", entry("100644", "low", low) + entry("100644", "lowest", lowest));
  const GitOid outer = git.write_object("tree", entry("100644", "inner", inner));
  git.run({"update-ref", "refs/heads/main", git.write_object("commit", commit_of(outer)).to_hex()});
  StoreFixture fixture;
  for (const bool all : {false, true}) {
    const std::string name = all ? "all" : "reached";
    ASSERT_OK_AND_ASSIGN(summary,
                         fixture.import_with(git.path(), {.name = name, .all_objects = all}));
    EXPECT_EQ(summary.objects, 6u);
    ASSERT_OK_AND_ASSIGN(exported, fixture.export_git(name));
    EXPECT_EQ(describe_database(git, exported), describe_database(git, git.path()));
  }
  ASSERT_OK_AND_ASSIGN(report, fixture.verify());
  EXPECT_TRUE(report.ok());
}

TEST(ImportMalformedTest, ATreeThatGitCannotReadIsNamedWithItsPath) {
  GitFixture git;
  const GitOid blob = git.write_blob("content");
  const GitOid sound = git.write_object("tree", entry("100644", "file", blob));
  const std::string whole = entry("100644", "a", git.write_blob("another")) +
                            entry("40000", "b", sound) + entry("100644", "c", blob);
  for (const std::string& bad : {std::string("100644 x\0abc", 12), entry("10z644", "x", blob),
                                 entry("100644", "", blob), whole + "100644 cut"}) {
    const GitOid tree = git.write_object("tree", bad);
    const GitOid above = git.write_object("tree", entry("40000", "dir", tree));
    const GitOid top =
        git.write_object("tree", entry("40000", "above", above) + entry("40000", "b", sound));
    const GitOid commit = git.write_object("commit", commit_of(top));
    StoreFixture fixture;
    for (const GitOid& tip : {commit, tree}) {
      write_test_file(git.git_dir() + "/refs/heads/main", tip.to_hex() + "\n");
      const std::string path =
          tip == commit ? ", at path above/dir, is malformed" : " is malformed";
      EXPECT_THAT(fixture.import(git.path(), "bad"),
                  FailsWith(ErrorCode::kIncomplete, "tree " + tree.to_hex() + path));
    }
  }
}

TEST(ImportLyingLinksTest, ATagMayNameAnyObjectAsAnyType) {
  GitFixture git;
  git.write("a", "a");
  const GitOid commit = git.commit("a");
  StoreFixture fixture;
  int number = 0;
  for (const std::string rest : {"type blob\ntag t\n", "type tree\ntag t\n\nt\n", "tag t\n",
                                 "type thing\n", "type commit\ntag t", ""}) {
    const GitOid tag = git.write_object("tag", "object " + commit.to_hex() + "\n" + rest);
    write_test_file(git.git_dir() + "/refs/tags/t" + std::to_string(number++), tag.to_hex() + "\n");
  }
  ASSERT_OK_AND_ASSIGN(summary, fixture.import(git.path(), "tags"));
  EXPECT_EQ(summary.objects, 3u + 6u);
  ASSERT_OK_AND_ASSIGN(report, fixture.verify({.archive = "tags"}));
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.objects, summary.objects);
  ASSERT_OK_AND_ASSIGN(exported, fixture.export_git("tags"));
  EXPECT_EQ(describe_database(git, exported), describe_database(git, git.path()));
}

// ---- healing

TEST(ImportHealsTest, AnObjectWithoutARefIsStoredAgain) {
  GitFixture git;
  git.write("a", "a");
  git.commit("a");
  const GitOid loose = git.write_blob(random_text(3000, 5));
  StoreFixture fixture;
  ASSERT_THAT(fixture.import_with(git.path(), {.name = "x", .all_objects = true}), IsOk());
  const auto at = fixture.store().snapshot().find(loose);
  ASSERT_TRUE(at);
  flip_byte(fixture.pack_file(".pack"), static_cast<std::int64_t>(at->offset) + 100);
  Store store = fixture.reopened();
  ASSERT_OK_AND_ASSIGN(
      summary,
      import_git(store, git.path(), {.name = "x", .all_objects = true, .work = {.sync = false}}));
  EXPECT_EQ(summary.objects_healed, 1u);
  ReadContext context;
  ASSERT_THAT(store.refresh(), IsOk());
  const auto healed = store.snapshot().find(loose);
  ASSERT_TRUE(healed);
  EXPECT_THAT(store.snapshot().get(*healed, context, loose), IsOk());
}

TEST(ImportHealsTest, WhatTheStoreHasLostIsBroughtByTheNextImport) {
  GitFixture git;
  git.write("a", random_text(3000, 6));
  git.commit("a");
  StoreFixture fixture;
  ASSERT_THAT(fixture.import(git.path(), "x"), IsOk());
  const auto first = fixture.files();
  git.write("b", random_text(3000, 7));
  git.commit("b");
  ASSERT_THAT(fixture.import(git.path(), "x"), IsOk());
  // The pack of the first import is gone.
  for (const auto& [file, size] : first) {
    if (file.find("/packs/") != std::string::npos) fs::remove(file);
  }
  git.write("c", random_text(3000, 8));
  git.commit("c");
  Store store = fixture.reopened();
  ASSERT_THAT(import_git(store, git.path(), {.name = "x", .work = {.sync = false}}), IsOk());
  ASSERT_OK_AND_ASSIGN(exported, fixture.export_git("x"));
  EXPECT_EQ(describe_repository(git, exported), describe_repository(git, git.path()));
}

TEST(ImportHealsTest, WhatTheStoreHasDamagedIsStoredAgain) {
  GitFixture git;
  git.write("blob", random_text(5000, 1));
  git.write("dir/file", "text");
  git.commit("one");
  for (const std::string what : {"HEAD:blob", "HEAD:dir", "HEAD^{tree}", "HEAD"}) {
    SCOPED_TRACE(what);
    StoreFixture fixture;
    ASSERT_THAT(fixture.import(git.path(), "first"), IsOk());
    const GitOid oid = git.oid(what);
    const auto at = fixture.store().snapshot().find(oid);
    ASSERT_TRUE(at);
    flip_byte(fixture.pack_file(".pack"), static_cast<std::int64_t>(at->offset) + 50);
    Store store = fixture.reopened();
    ASSERT_OK_AND_ASSIGN(
        summary, import_git(store, git.path(), {.name = "second", .work = {.sync = false}}));
    EXPECT_EQ(summary.objects_healed, 1u);
    EXPECT_EQ(summary.objects_new, 0u);
    EXPECT_EQ(summary.objects, 5u);
    ReadContext context;
    Store after = fixture.reopened();
    const auto healed = after.snapshot().find(oid);
    ASSERT_TRUE(healed);
    EXPECT_THAT(after.snapshot().get(*healed, context, oid), IsOk());
    ASSERT_OK_AND_ASSIGN(exported, fixture.export_git("second"));
    EXPECT_EQ(describe_repository(git, exported), describe_repository(git, git.path()));
  }
}

// A repository of two imports, and a store that knows which objects of the first it has lost.
class ImportRestoresTest : public testing::Test {
 protected:
  ImportRestoresTest() {
    git.write("a", random_text(3000, 6));
    git.write("dir/b", random_text(3000, 7));
    git.commit("a");
    EXPECT_THAT(fixture.import(git.path(), "x"), IsOk());
    first = fixture.pack_file(".pack");
    git.write("c", random_text(3000, 8));
    git.commit("c");
    EXPECT_THAT(fixture.import(git.path(), "x"), IsOk());
  }

  void damage(const GitOid& oid) {
    const auto at = fixture.store().snapshot().find(oid);
    ASSERT_TRUE(at);
    flip_byte(first, static_cast<std::int64_t>(at->offset) + 50);
  }

  void expect_restored(std::uint64_t objects_new) {
    Store store = fixture.reopened();
    const GitImportOptions options{.name = "x", .work = {.sync = false}};
    ASSERT_OK_AND_ASSIGN(summary, import_git(store, git.path(), options));
    EXPECT_FALSE(summary.unchanged);
    EXPECT_EQ(summary.objects_new, objects_new);
    ASSERT_OK_AND_ASSIGN(exported, fixture.export_git("x"));
    EXPECT_EQ(describe_repository(git, exported), describe_repository(git, git.path()));
    ASSERT_OK_AND_ASSIGN(again, import_git(store, git.path(), options));
    EXPECT_TRUE(again.unchanged);
  }

  GitFixture git;
  StoreFixture fixture;
  std::string first;
};

TEST_F(ImportRestoresTest, WhatARepairLeftLostThoughNothingChanged) {
  damage(git.oid("HEAD:a"));
  damage(git.oid("HEAD:dir"));
  ASSERT_OK_AND_ASSIGN(repaired, repair_store(fixture.path(), {.work = {.sync = false}}));
  EXPECT_EQ(repaired.objects_lost, 2u);
  // Nothing names the objects that the lost tree reaches.
  expect_restored(2);
  ASSERT_OK_AND_ASSIGN(report, fixture.verify());
  EXPECT_TRUE(report.ok());
}

TEST_F(ImportRestoresTest, WhatARepairLeftLostAmongWhatIsNew) {
  damage(git.oid("HEAD:a"));
  ASSERT_OK_AND_ASSIGN(repaired, repair_store(fixture.path(), {.work = {.sync = false}}));
  EXPECT_EQ(repaired.objects_lost, 1u);
  git.write("d", "d");
  git.commit("d");
  expect_restored(1 + 3);
}

TEST_F(ImportRestoresTest, WhatIsInAPackThatCannotBeOpened) {
  fs::resize_file(first, 20);
  expect_restored(5);
}

}  // namespace
}  // namespace bale
