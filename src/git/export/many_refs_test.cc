// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Archives whose refs are in lists of their own: what an import of many refs writes, every verb
// must read, keep, and restore.

#include <filesystem>
#include <fstream>
#include <string>

#include "bale/archive_changes.h"
#include "bale/store_collect.h"
#include "bale/store_repack.h"
#include "bale/store_repair.h"
#include "testing/git_fixture.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

using testing::HasSubstr;

class ManyRefsTest : public testing::Test {
 protected:
  // 300 branches at one commit, a symbolic ref to one of them, and one that leads nowhere.
  ManyRefsTest() {
    git_.write("a.txt", "one\n");
    first_ = git_.commit("first");
    std::string commands;
    for (int i = 1000; i < 1300; ++i) {
      commands += "create refs/changes/" + std::to_string(i) + "/head " + first_.to_hex() + "\n";
    }
    git_.run_with_input({"update-ref", "--stdin"}, commands);
    git_.run({"pack-refs", "--all"});
    git_.run({"symbolic-ref", "refs/alias", "refs/changes/1007/head"});
    git_.run({"symbolic-ref", "refs/nowhere", "refs/heads/unborn"});
  }

  // Moves a ref, deletes one and makes one.
  void change(int number) {
    git_.write("a.txt", "change " + std::to_string(number) + "\n");
    const std::string made = git_.commit("change").to_hex();
    git_.run({"update-ref", "refs/changes/" + std::to_string(1000 + number) + "/head", made});
    git_.run({"update-ref", "-d", "refs/changes/" + std::to_string(1200 + number) + "/head"});
    git_.run({"update-ref", "refs/new/" + std::to_string(number), first_.to_hex()});
  }

  RepositoryState import() {
    EXPECT_THAT(store_.import(git_.path(), "x"), IsOk());
    return describe_repository(git_, git_.path());
  }

  void expect_export(const RepositoryState& state, std::uint64_t back = 0) {
    ASSERT_OK_AND_ASSIGN(path, store_.export_git("x", back));
    EXPECT_EQ(describe_repository(git_, path), state);
  }

  void expect_sound() {
    ASSERT_OK_AND_ASSIGN(report, store_.verify());
    EXPECT_TRUE(report.errors.empty());
  }

  // Changes a byte of the stored list of refs.
  void damage(const ObjectId& list) {
    const auto at = store_.store().snapshot().find(list);
    ASSERT_TRUE(at.has_value());
    ReadContext context(8 << 20);
    ASSERT_OK_AND_ASSIGN(info, store_.store().snapshot().info(*at, context, list));
    const std::string pack =
        store_.path() + "/packs/" + store_.store().snapshot().pack_name(at->pack) + ".pack";
    flip_byte(pack, static_cast<std::int64_t>(info.offset + info.entry_bytes - 2));
  }

  GitFixture git_;
  StoreFixture store_;
  GitOid first_;
};

TEST_F(ManyRefsTest, EveryRecordGivesItsOwnRefsBack) {
  const RepositoryState before = import();
  EXPECT_EQ(store_.record("x").ref_lists.size(), 1u);
  change(1);
  const RepositoryState after = import();
  const Record newest = store_.record("x");
  EXPECT_EQ(newest.ref_lists.size(), 2u);
  EXPECT_EQ(newest.count_refs(), 303u);
  EXPECT_TRUE(newest.refs.empty() && newest.symrefs.empty());
  expect_export(after);
  expect_export(before, 1);
  expect_sound();
  ASSERT_OK_AND_ASSIGN(again, store_.import(git_.path(), "x"));
  EXPECT_TRUE(again.unchanged);
}

TEST_F(ManyRefsTest, MaintenanceKeepsListsAsLongAsARecordNamesThem) {
  const RepositoryState before = import();
  change(1);
  import();
  change(2);
  const RepositoryState after = import();
  const Record old = store_.record("x", 1);
  const Record newest = store_.record("x");
  ASSERT_EQ(newest.ref_lists[0], old.ref_lists[0]);
  ASSERT_NE(newest.ref_lists[1], old.ref_lists[1]);

  ASSERT_THAT(repack_store(store_.store(), {.work = {.sync = false}}), IsOk());
  ASSERT_THAT(prune_archive(store_.store(), "x", 1, {.work = {.sync = false}}), IsOk());
  ASSERT_THAT(undo_archive_change(store_.store(), "x", {.work = {.sync = false}}), IsOk());
  ASSERT_THAT(collect_store(store_.store(), {.work = {.sync = false}}), IsOk());
  expect_export(after);
  expect_export(before, 2);

  ASSERT_THAT(prune_archive(store_.store(), "x", 1, {.work = {.sync = false}}), IsOk());
  ASSERT_THAT(collect_store(store_.store(), {.work = {.sync = false}}), IsOk());
  ASSERT_THAT(store_.store().refresh(), IsOk());
  EXPECT_FALSE(store_.store().snapshot().find(old.ref_lists[1]));
  EXPECT_THAT(undo_archive_change(store_.store(), "x", {.work = {.sync = false}}),
              FailsWith(ErrorCode::kNotFound, "is not in the store any more"));
  expect_export(after);
  expect_sound();
  change(3);
  expect_export(import());
}

TEST_F(ManyRefsTest, ADamagedListIsNamedAndRestoredByTheNextImport) {
  import();
  change(1);
  import();
  const ObjectId list = store_.record("x").ref_lists[0];
  damage(list);
  ASSERT_OK_AND_ASSIGN(report, store_.verify());
  EXPECT_FALSE(report.errors.empty());
  EXPECT_THAT(store_.export_git("x"), FailsWith(ErrorCode::kCorrupt, ""));
  const auto collected = collect_store(store_.store(), {.work = {.sync = false}});
  ASSERT_FALSE(collected);
  EXPECT_EQ(collected.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(collected.error().message, HasSubstr("x@"));
  const RepositoryState after = import();
  expect_export(after);
}

// As an archive without a list: the pack of its only import stays whole.
TEST_F(ManyRefsTest, BesideALostTreeGcKeepsTheImportsPack) {
  import();
  GitFixture other;
  other.commit("other");
  ASSERT_THAT(store_.import(other.path(), "other"), IsOk());
  const auto tree = store_.store().snapshot().find(git_.oid("HEAD^{tree}"));
  ASSERT_TRUE(tree.has_value());
  const std::string pack =
      store_.path() + "/packs/" + store_.store().snapshot().pack_name(tree->pack) + ".pack";
  flip_byte(pack, static_cast<std::int64_t>(tree->offset) + 60);
  ASSERT_THAT(remove_archive(store_.store(), "other", {.work = {.sync = false}}), IsOk());
  ASSERT_OK_AND_ASSIGN(collected, collect_store(store_.store(), {.work = {.sync = false}}));
  EXPECT_GT(collected.objects_removed, 0u);
  EXPECT_TRUE(store_.store().snapshot().find(git_.oid("HEAD:a.txt")));
}

TEST_F(ManyRefsTest, AnImportOfNothingNewRestoresADamagedList) {
  const RepositoryState before = import();
  damage(store_.record("x").ref_lists[0]);
  EXPECT_THAT(store_.export_git("x"), FailsWith(ErrorCode::kCorrupt));
  EXPECT_EQ(import(), before);
  expect_export(before);
}

TEST_F(ManyRefsTest, WithADamagedListAMovedSourceIsNotTakenForAnother) {
  import();
  damage(store_.record("x").ref_lists[0]);
  const std::string moved = git_.clone("moved", {"--mirror"});
  EXPECT_THAT(store_.import(moved, "x"),
              FailsWith(ErrorCode::kInvalidArgument, "its refs cannot be read to tell"));
  ASSERT_THAT(store_.import_with(moved, {.name = "x", .new_source = true}), IsOk());
  ASSERT_OK_AND_ASSIGN(exported, store_.export_git("x"));
  EXPECT_EQ(describe_repository(git_, exported), describe_repository(git_, moved));
}

TEST_F(ManyRefsTest, UndoBringsBackARecordWhoseListIsDamaged) {
  import();
  change(1);
  import();
  damage(store_.record("x").ref_lists[1]);
  ASSERT_THAT(prune_archive(store_.store(), "x", 1, {.work = {.sync = false}}), IsOk());
  ASSERT_THAT(undo_archive_change(store_.store(), "x", {.work = {.sync = false}}), IsOk());
  EXPECT_EQ(store_.record("x", 1).count_refs(), 303u);
}

TEST_F(ManyRefsTest, RepairFetchesALostListFromAnotherStore) {
  import();
  const RepositoryState after = describe_repository(git_, git_.path());
  const std::string copy = store_.beside("copy.bale");
  std::filesystem::copy(store_.path(), copy, std::filesystem::copy_options::recursive);
  damage(store_.record("x").ref_lists[0]);
  const RepairOptions options{.work = {.sync = false}};
  ASSERT_OK_AND_ASSIGN(lost, repair_store(store_.path(), options));
  EXPECT_EQ(lost.packs_salvaged, 1u);
  EXPECT_EQ(lost.objects_lost, 1u);
  ASSERT_OK_AND_ASSIGN(source, open_store_source(copy));
  RepairOptions with_source = options;
  with_source.from = source.get();
  ASSERT_OK_AND_ASSIGN(fetched, repair_store(store_.path(), with_source));
  EXPECT_EQ(fetched.objects_refetched, 1u);
  EXPECT_EQ(fetched.objects_lost, 0u);
  ASSERT_THAT(store_.store().refresh(), IsOk());
  expect_export(after);
  expect_sound();
}

}  // namespace
}  // namespace bale
