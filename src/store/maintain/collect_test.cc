// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Collecting: what an archive reaches stays, also what an import beside it counts on; all else
// goes.

#include <atomic>
#include <filesystem>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "bale/archive_changes.h"
#include "bale/store_collect.h"
#include "bale/store_repack.h"
#include "bale/store_repair.h"
#include "base/memory_size.h"
#include "store/core/locks.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

namespace fs = std::filesystem;

CollectOptions quick_collect(CollectOptions options = {}) {
  options.work.sync = false;
  return options;
}

// Whether the collection holds imports back: one that is made in its callback would wait for ever.
bool imports_wait(std::string_view phase) {
  return phase == "waiting for imports to end" || phase == "checking what goes";
}

// A dry run says what is done then.
void expect_same_plan(const CollectSummary& said, const CollectSummary& done) {
  EXPECT_EQ(said.objects_kept, done.objects_kept);
  EXPECT_EQ(said.objects_removed, done.objects_removed);
  EXPECT_EQ(said.packs_rewritten, done.packs_rewritten);
  EXPECT_EQ(said.packs_removed, done.packs_removed);
  EXPECT_EQ(said.bytes_before, done.bytes_before);
}

// "mine" and "other" share a file; each has one that the other has not.
class CollectTest : public testing::Test {
 protected:
  CollectTest() {
    for (GitFixture* git : {&mine_, &other_}) git->write("shared", random_text(5000, 1));
    mine_.write("mine", random_text(3000, 2));
    mine_.commit("mine");
    other_.write("other", random_text(3000, 3));
    other_.commit("other");
    EXPECT_THAT(fixture_.import(other_.path(), "other"), IsOk());
    EXPECT_THAT(fixture_.import(mine_.path(), "mine"), IsOk());
  }

  Store& store() { return fixture_.store(); }

  void remove(const std::string& name) {
    ASSERT_THAT(remove_archive(store(), name, {.work = {.sync = false}}), IsOk());
  }

  void expect_mine_whole() {
    ASSERT_OK_AND_ASSIGN(report, fixture_.verify());
    EXPECT_THAT(report.errors, testing::IsEmpty());
    ASSERT_OK_AND_ASSIGN(exported, fixture_.export_git("mine"));
    EXPECT_EQ(describe_repository(mine_, exported), describe_repository(mine_, mine_.path()));
  }

  GitFixture mine_;
  GitFixture other_;
  StoreFixture fixture_;
};

TEST_F(CollectTest, WithoutGarbageNothingHappens) {
  const auto before = fixture_.files();
  ASSERT_OK_AND_ASSIGN(summary, collect_store(store(), quick_collect()));
  EXPECT_EQ(summary.objects_removed, 0u);
  EXPECT_EQ(fixture_.files(), before);
  EXPECT_EQ(summary.bytes_before, summary.bytes_after);
}

TEST_F(CollectTest, WhatOnlyARemovedArchiveReachedGoesAndTheRestStays) {
  remove("other");
  const auto before = fixture_.files();
  ASSERT_OK_AND_ASSIGN(said, collect_store(store(), quick_collect({.dry_run = true})));
  EXPECT_EQ(fixture_.files(), before);
  // The file "other", its tree, its commit and its record.
  EXPECT_EQ(said.objects_removed, 4u);
  ASSERT_OK_AND_ASSIGN(summary, collect_store(store(), quick_collect()));
  EXPECT_EQ(summary.objects_removed, 4u);
  EXPECT_EQ(summary.objects_kept, 6u);  // those of "mine", and the record of the removal
  EXPECT_EQ(summary.packs_rewritten, 1u);
  EXPECT_EQ(summary.packs_removed, 0u);
  expect_same_plan(said, summary);
  EXPECT_LT(summary.bytes_after, summary.bytes_before - 3000);
  EXPECT_EQ(said.bytes_after, summary.bytes_after);
  EXPECT_FALSE(store().snapshot().find(other_.oid("HEAD:other")));
  EXPECT_TRUE(store().snapshot().find(other_.oid("HEAD:shared")));
  expect_mine_whole();
  // The removal is remembered, and collecting again finds nothing.
  ASSERT_OK_AND_ASSIGN(pointers, store().snapshot().archive_pointers());
  EXPECT_THAT(pointers, testing::ElementsAre("mine", "other"));
  ASSERT_OK_AND_ASSIGN(again, collect_store(store(), quick_collect()));
  EXPECT_EQ(again.objects_removed, 0u);
}

TEST_F(CollectTest, APackOfWhichNothingIsNeededGoes) {
  remove("mine");
  ASSERT_OK_AND_ASSIGN(said, collect_store(store(), quick_collect({.dry_run = true})));
  ASSERT_OK_AND_ASSIGN(summary, collect_store(store(), quick_collect()));
  EXPECT_EQ(summary.objects_removed, 4u);
  EXPECT_EQ(summary.objects_kept, 6u);
  EXPECT_EQ(summary.packs_rewritten, 0u);
  EXPECT_EQ(summary.packs_removed, 1u);
  EXPECT_THAT(summary.packs_made, testing::IsEmpty());
  EXPECT_EQ(said.bytes_after, summary.bytes_after);
  expect_same_plan(said, summary);
  EXPECT_FALSE(store().snapshot().find(mine_.oid("HEAD:mine")));
  EXPECT_TRUE(store().snapshot().find(other_.oid("HEAD:shared")));
}

TEST_F(CollectTest, TooLittleMemoryAndOddLevelsAreRefused) {
  for (const int level : {0, 23}) {
    EXPECT_THAT(collect_store(store(), quick_collect({.level = level})),
                FailsWith(ErrorCode::kInvalidArgument, "1 to 22"));
  }
  EXPECT_THAT(collect_store(store(), quick_collect({.level = 22, .work = {.memory_bytes = 1}})),
              FailsWith(ErrorCode::kInvalidArgument, "of memory"));
  const std::uint64_t least = smallest_collect_memory_bytes(1);
  EXPECT_THAT(
      collect_store(store(), quick_collect({.level = 1, .work = {.memory_bytes = least - 1}})),
      FailsWith(ErrorCode::kInvalidArgument, memory_size(least)));
  remove("other");
  EXPECT_THAT(collect_store(store(), quick_collect({.level = 1, .work = {.memory_bytes = least}})),
              IsOk());
  expect_mine_whole();
}

TEST_F(CollectTest, APrunedArchiveLosesWhatOnlyItsOldRecordsReached) {
  mine_.write("mine", random_text(3000, 9));
  mine_.run({"commit", "-a", "--amend", "-m", "another history"});
  ASSERT_THAT(fixture_.import(mine_.path(), "mine"), IsOk());
  ASSERT_THAT(prune_archive(store(), "mine", 1, {.work = {.sync = false}}), IsOk());
  ASSERT_OK_AND_ASSIGN(summary, collect_store(store(), quick_collect()));
  // A file, a tree and a commit of before, and both records that were replaced or dropped.
  EXPECT_EQ(summary.objects_removed, 5u);
  expect_mine_whole();
}

TEST_F(CollectTest, ObjectsWithoutARefAndTheirListStay) {
  const GitOid loose = mine_.write_blob(random_text(500, 77));
  ASSERT_THAT(fixture_.import_with(mine_.path(), {.name = "mine", .all_objects = true}), IsOk());
  ASSERT_OK_AND_ASSIGN(summary, collect_store(store(), quick_collect()));
  EXPECT_EQ(summary.objects_removed, 0u);
  remove("other");
  ASSERT_THAT(collect_store(store(), quick_collect()), IsOk());
  EXPECT_TRUE(store().snapshot().find(loose));
  expect_mine_whole();
}

TEST_F(CollectTest, AnArchiveWhosePointerIsLostIsKeptAndNamed) {
  fs::remove(fixture_.path() + "/archives/other");
  ASSERT_OK_AND_ASSIGN(summary, collect_store(store(), quick_collect()));
  EXPECT_THAT(summary.lost_archives, testing::ElementsAre("other"));
  EXPECT_EQ(summary.objects_removed, 0u);
  EXPECT_TRUE(store().snapshot().find(other_.oid("HEAD:other")));
}

TEST_F(CollectTest, NothingIsRemovedFromAStoreInWhichSomethingIsMissing) {
  remove("other");
  // The first pack holds the shared file, too.
  const std::string pack = store().snapshot().pack_name(store().snapshot().pack_numbers().back());
  fs::rename(fixture_.path() + "/packs/" + pack + ".idx", fixture_.beside("kept"));
  const auto before = fixture_.files();
  EXPECT_THAT(collect_store(store(), quick_collect()), FailsWith(ErrorCode::kCorrupt, "damaged"));
  EXPECT_EQ(fixture_.files(), before);
}

// "other" is damaged, and brought all its objects itself: they are in its own pack, which stays.
TEST_F(CollectTest, ADamagedArchiveThatSharesNothingDoesNotKeepTheRestFromBeingCollected) {
  GitFixture alone;
  alone.write("alone", random_text(3000, 4));
  alone.commit("alone");
  ASSERT_THAT(fixture_.import(alone.path(), "alone"), IsOk());
  remove("mine");
  // The tree of "other" is read by the walk, so flip a byte in it.
  const auto tree = store().snapshot().find(other_.oid("HEAD^{tree}"));
  ASSERT_TRUE(tree);
  flip_byte(fixture_.path() + "/packs/" + store().snapshot().pack_name(tree->pack) + ".pack",
            static_cast<std::int64_t>(tree->offset) + 60);
  Store reopened = fixture_.reopened();
  ASSERT_OK_AND_ASSIGN(summary, collect_store(reopened, quick_collect()));
  EXPECT_FALSE(summary.damaged.empty());
  EXPECT_GE(summary.objects_kept, 8u);  // in its damaged pack and in that of "alone"
  EXPECT_FALSE(reopened.snapshot().find(mine_.oid("HEAD:mine")));
  EXPECT_TRUE(reopened.snapshot().find(other_.oid("HEAD:other")));
  EXPECT_TRUE(reopened.snapshot().find(other_.oid("HEAD:shared")));
  EXPECT_TRUE(reopened.snapshot().find(alone.oid("HEAD:alone")));
}

// "mine" is damaged and has the shared file from the pack of "other": nobody knows what else.
TEST_F(CollectTest, ADamagedArchiveThatSharesObjectsKeepsEverything) {
  remove("other");
  const auto tree = store().snapshot().find(mine_.oid("HEAD^{tree}"));
  ASSERT_TRUE(tree);
  flip_byte(fixture_.path() + "/packs/" + store().snapshot().pack_name(tree->pack) + ".pack",
            static_cast<std::int64_t>(tree->offset) + 60);
  Store reopened = fixture_.reopened();
  const auto before = fixture_.files();
  EXPECT_THAT(collect_store(reopened, quick_collect()),
              FailsWith(ErrorCode::kCorrupt, "archive mine is damaged"));
  EXPECT_EQ(fixture_.files(), before);
  // The advice of the message.
  ASSERT_THAT(remove_archive(reopened, "mine", {.work = {.sync = false}}), IsOk());
  EXPECT_THAT(collect_store(reopened, quick_collect()), IsOk());
}

class CollectDamagedTest : public CollectTest {
 protected:
  // Damages the object, and has repair take it out of its pack: then it is missing.
  void lose(const GitOid& oid) {
    const auto at = store().snapshot().find(oid);
    ASSERT_TRUE(at);
    flip_byte(fixture_.path() + "/packs/" + store().snapshot().pack_name(at->pack) + ".pack",
              static_cast<std::int64_t>(at->offset) + 60);
    ASSERT_OK_AND_ASSIGN(repaired, repair());
    EXPECT_EQ(repaired.objects_lost, 1u);
    ASSERT_THAT(store().refresh(), IsOk());
    EXPECT_FALSE(store().snapshot().find(oid));
  }

  Result<RepairSummary> repair(ObjectSource* from = nullptr) {
    return repair_store(fixture_.path(), {.from = from, .work = {.lanes = 1, .sync = false}});
  }

  // Two records of "mine"; the newer one alone has HEAD:mine.
  void import_again() {
    mine_.write("mine", random_text(3000, 41));
    mine_.commit("again");
    ASSERT_THAT(fixture_.import(mine_.path(), "mine"), IsOk());
  }

  void expect_collected() {
    ASSERT_THAT(collect_store(store(), quick_collect()), IsOk());
    EXPECT_FALSE(store().snapshot().find(other_.oid("HEAD:other")));
    EXPECT_TRUE(store().snapshot().find(mine_.oid("HEAD:shared")));
  }

  void expect_blocked(const std::string& why, const Hint& hint) {
    const auto before = fixture_.files();
    const auto refused = collect_store(store(), quick_collect());
    ASSERT_THAT(refused, FailsWith(ErrorCode::kCorrupt, why));
    EXPECT_EQ(refused.error().hint.kind, hint.kind);
    EXPECT_EQ(refused.error().hint.archive, hint.archive);
    EXPECT_EQ(refused.error().hint.keep, hint.keep);
    EXPECT_EQ(fixture_.files(), before);
  }
};

// Each record's count says that nothing is behind a lost file.
TEST_F(CollectDamagedTest, ALostFileBlocksNothingAlsoAfterRepackAndInOlderRecords) {
  import_again();
  lose(mine_.oid("HEAD~1:mine"));
  ASSERT_THAT(repack_store(store(), {.work = {.sync = false}}), IsOk());
  remove("other");
  ASSERT_OK_AND_ASSIGN(summary, collect_store(store(), quick_collect()));
  EXPECT_EQ(summary.objects_removed, 4u);
  ASSERT_EQ(summary.damaged.size(), 1u);
  EXPECT_THAT(summary.damaged.front().message, testing::HasSubstr("archive mine is damaged"));
  EXPECT_FALSE(store().snapshot().find(other_.oid("HEAD:other")));
  for (const char* kept : {"HEAD:mine", "HEAD:shared", "HEAD~1", "HEAD~1^{tree}"}) {
    EXPECT_TRUE(store().snapshot().find(mine_.oid(kept))) << kept;
  }
}

// The tree of the first commit is lost. All that it names, the second one's names too.
TEST_F(CollectDamagedTest, ALostTreeBlocksNothingWhereTheCountShowsThatItHidesNothing) {
  GitFixture git;
  git.write("f", random_text(3000, 42));
  git.commit("one");
  git.write("g", random_text(3000, 43));
  git.commit("two");
  ASSERT_THAT(fixture_.import(git.path(), "git"), IsOk());
  lose(git.oid("HEAD~1^{tree}"));
  remove("other");
  expect_collected();
  EXPECT_TRUE(store().snapshot().find(git.oid("HEAD~1:f")));
  EXPECT_TRUE(store().snapshot().find(git.oid("HEAD:g")));
}

// A record that goes on from another one may count too few: then only lost files are believed.
TEST_F(CollectDamagedTest, ALostTreeOfALaterRecordBlocks) {
  for (const unsigned seed : {44U, 45U}) {
    mine_.write("more-" + std::to_string(seed), random_text(3000, seed));
    mine_.commit("more");
  }
  ASSERT_THAT(fixture_.import(mine_.path(), "mine"), IsOk());
  remove("other");
  lose(mine_.oid("HEAD~1^{tree}"));  // the tree after it names all that it names
  expect_blocked("archive mine is damaged",
                 {.kind = HintKind::kRepairWithSource, .archive = "mine"});
}

// Whatever is lost, nothing goes that the archive reaches.
TEST_F(CollectDamagedTest, WhateverIsLostNothingThatTheArchiveReachesGoes) {
  import_again();
  remove("other");
  std::istringstream listed(mine_.run({"rev-list", "--objects", "--all", "--no-object-names"}));
  const std::vector<std::string> reached{std::istream_iterator<std::string>(listed), {}};
  ASSERT_EQ(reached.size(), 7u);
  const std::string whole = fixture_.beside("whole");
  fs::copy(fixture_.path(), whole, fs::copy_options::recursive);
  std::size_t collected = 0;
  for (const std::string& lost : reached) {
    SCOPED_TRACE(lost);
    fs::remove_all(fixture_.path());
    fs::copy(whole, fixture_.path(), fs::copy_options::recursive);
    ASSERT_THAT(store().refresh(), IsOk());
    lose(GitOid::from_hex(lost).value());
    if (collect_store(store(), quick_collect())) ++collected;
    for (const std::string& oid : reached) {
      EXPECT_EQ(store().snapshot().find(GitOid::from_hex(oid).value()).has_value(), oid != lost)
          << oid;
    }
  }
  EXPECT_EQ(collected, 3u);  // the files
}

// It hides a file, and the message says what helps.
TEST_F(CollectDamagedTest, ALostTreeThatHidesSomethingBlocksUntilItIsFetched) {
  const std::string backup = fixture_.beside("backup");
  fs::copy(fixture_.path(), backup, fs::copy_options::recursive);
  remove("other");
  lose(mine_.oid("HEAD^{tree}"));
  expect_blocked("mine", {.kind = HintKind::kRepairWithSource, .archive = "mine"});
  ASSERT_OK_AND_ASSIGN(source, open_store_source(backup));
  ASSERT_OK_AND_ASSIGN(repaired, repair(source.get()));
  EXPECT_EQ(repaired.objects_refetched, 1u);
  ASSERT_THAT(store().refresh(), IsOk());
  expect_collected();
  expect_mine_whole();
}

TEST_F(CollectDamagedTest, ALostTreeThatHidesSomethingBlocksUntilItsArchiveIsGivenUp) {
  remove("other");
  lose(mine_.oid("HEAD^{tree}"));
  expect_blocked("mine", {.kind = HintKind::kRepairWithSource, .archive = "mine"});
  remove("mine");
  ASSERT_THAT(collect_store(store(), quick_collect()), IsOk());
  EXPECT_FALSE(store().snapshot().find(mine_.oid("HEAD:mine")));
  EXPECT_FALSE(store().snapshot().find(mine_.oid("HEAD:shared")));
}

TEST_F(CollectDamagedTest, AnOldRecordThatIsLostBlocksUntilItIsPruned) {
  import_again();
  remove("other");
  ReadContext context;
  ASSERT_OK_AND_ASSIGN(old, store().snapshot().record("mine", 1, context));
  const auto at = store().snapshot().find(old.id);
  ASSERT_TRUE(at);
  flip_byte(fixture_.path() + "/packs/" + store().snapshot().pack_name(at->pack) + ".pack",
            static_cast<std::int64_t>(at->offset) + 60);
  ASSERT_THAT(repair(), IsOk());
  ASSERT_THAT(store().refresh(), IsOk());
  expect_blocked("mine@1", {.kind = HintKind::kRepairOrPrune, .archive = "mine", .keep = 1});
  ASSERT_THAT(prune_archive(store(), "mine", 1, {.work = {.sync = false}}), IsOk());
  expect_collected();
  expect_mine_whole();
}

TEST_F(CollectDamagedTest, AnArchiveWhoseRecordsAreLostBlocksUntilItIsGivenUp) {
  remove("other");
  write_test_file(fixture_.path() + "/archives/lone", std::string(64, 'a') + "\n");
  expect_blocked("lone", {.kind = HintKind::kRepairOrRemove, .archive = "lone"});
  ASSERT_THAT(remove_archive(store(), "lone", {.work = {.sync = false}}), IsOk());
  expect_collected();
  expect_mine_whole();
}

// A damaged header may call a commit or a tree a blob, by one bit: nothing behind it may go.
TEST_F(CollectTest, NoBitOfAHeaderMakesAnObjectALeaf) {
  mine_.write("mine", random_text(3000, 9));
  mine_.commit("again");
  ASSERT_THAT(fixture_.import(mine_.path(), "mine"), IsOk());
  ASSERT_THAT(prune_archive(store(), "mine", 1, {.work = {.sync = false}}), IsOk());
  for (const char* what : {"HEAD", "HEAD^{tree}"}) {
    const auto at = store().snapshot().find(mine_.oid(what));
    ASSERT_TRUE(at);
    const std::string path =
        fixture_.path() + "/packs/" + store().snapshot().pack_name(at->pack) + ".pack";
    const std::string good = read_test_file(path);
    // The type is in the byte behind the id, which has 17 or 33 bytes with its tag.
    const std::size_t type_at =
        static_cast<std::size_t>(at->offset) + (std::string(what) == "HEAD" ? 17 : 33);
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[type_at] = static_cast<char>(static_cast<unsigned char>(bad[type_at]) ^ (1U << bit));
      write_test_file(path, bad);
      Store reopened = fixture_.reopened();
      const auto before = fixture_.files();
      const Result<CollectSummary> collected = collect_store(reopened, quick_collect());
      if (!collected) {
        EXPECT_EQ(fixture_.files(), before);
      }
      EXPECT_TRUE(reopened.snapshot().find(mine_.oid("HEAD:mine"))) << what << " bit " << bit;
      EXPECT_TRUE(reopened.snapshot().find(mine_.oid("HEAD~1:mine"))) << what << " bit " << bit;
      EXPECT_TRUE(reopened.snapshot().find(mine_.oid("HEAD:shared"))) << what << " bit " << bit;
      write_test_file(path, good);
    }
  }
  expect_mine_whole();
}

// What a shallow archive leaves out must not hide that another one has lost it.
TEST_F(CollectTest, WhatOneArchiveIsMadeWithoutHidesNoLossOfAnother) {
  GitFixture git;
  git.write("f", random_text(3000, 11));
  git.commit("one");
  StoreFixture fixture;
  ASSERT_THAT(fixture.import(git.path(), "whole"), IsOk());
  git.write("f", random_text(3000, 12));
  git.commit("two");
  ASSERT_THAT(fixture.import(git.path(), "whole"), IsOk());
  git.write("f", random_text(3000, 13));
  git.commit("three");
  ASSERT_THAT(fixture.import(git.path(), "whole"), IsOk());
  ASSERT_THAT(fixture.import(git.clone("shallow", {"--depth=1"}), "a-shallow"), IsOk());
  ASSERT_THAT(prune_archive(fixture.store(), "whole", 1, {.work = {.sync = false}}), IsOk());
  const auto lost = fixture.store().snapshot().find(git.oid("HEAD~1"));
  ASSERT_TRUE(lost);
  flip_byte(
      fixture.path() + "/packs/" + fixture.store().snapshot().pack_name(lost->pack) + ".gitidx", 0);
  Store reopened = fixture.reopened();
  const auto before = fixture.files();
  EXPECT_THAT(collect_store(reopened, quick_collect()), FailsWith(ErrorCode::kCorrupt));
  EXPECT_EQ(fixture.files(), before);
}

// The counts of two records may agree by chance: their objects may be in any pack.
TEST_F(CollectTest, ADamagedArchiveOfTwoRecordsKeepsEverything) {
  GitFixture git;
  git.write("own", random_text(3000, 21));
  git.commit("own");
  ASSERT_THAT(fixture_.import(git.path(), "two"), IsOk());
  git.run({"checkout", "--quiet", "--orphan", "other"});
  git.write("own", random_text(3000, 22));
  git.write("mine", random_text(3000, 2));  // which "mine" brought
  git.commit("other");
  git.run({"branch", "--quiet", "-D", "main"});
  ASSERT_THAT(fixture_.import(git.path(), "two"), IsOk());
  remove("mine");
  const auto tree = store().snapshot().find(git.oid("HEAD^{tree}"));
  ASSERT_TRUE(tree);
  flip_byte(fixture_.path() + "/packs/" + store().snapshot().pack_name(tree->pack) + ".pack",
            static_cast<std::int64_t>(tree->offset) + 60);
  Store reopened = fixture_.reopened();
  EXPECT_THAT(collect_store(reopened, quick_collect()),
              FailsWith(ErrorCode::kCorrupt, "archive two is damaged"));
  EXPECT_TRUE(reopened.snapshot().find(mine_.oid("HEAD:mine")));
}

// A lost pointer, and a damaged pack that has the archive's record: what it needs stays.
TEST_F(CollectTest, AnArchiveWithoutAPointerInADamagedPackIsKept) {
  remove("other");
  fs::remove(fixture_.path() + "/archives/mine");
  const auto blob = store().snapshot().find(mine_.oid("HEAD:mine"));
  ASSERT_TRUE(blob);
  flip_byte(fixture_.path() + "/packs/" + store().snapshot().pack_name(blob->pack) + ".pack",
            static_cast<std::int64_t>(blob->offset) + 100);
  Store reopened = fixture_.reopened();
  static_cast<void>(collect_store(reopened, quick_collect()).has_value());
  EXPECT_TRUE(reopened.snapshot().find(mine_.oid("HEAD:shared")));
  EXPECT_FALSE(reopened.snapshot().find(other_.oid("HEAD:other")));
}

// A missing object that another archive has is followed for that one alone.
TEST_F(CollectTest, WhatAnArchiveLacksAndAnotherHasIsNoDamage) {
  GitFixture git;
  for (const char* text : {"1", "2", "3"}) {
    git.write("f", text);
    git.commit(text);
  }
  const std::string shallow = git.clone("shallow", {"--depth=2"});  // its boundary is HEAD~1
  git.remove_object(git.oid("HEAD~1"));
  StoreFixture fixture;
  ASSERT_THAT(fixture.import_with(git.path(), {.name = "lacks", .allow_missing = true}), IsOk());
  ASSERT_THAT(fixture.import(shallow, "shallow"), IsOk());
  ASSERT_THAT(fixture.import(mine_.path(), "gone"), IsOk());
  ASSERT_THAT(remove_archive(fixture.store(), "gone", {.work = {.sync = false}}), IsOk());
  ASSERT_OK_AND_ASSIGN(summary, collect_store(fixture.store(), quick_collect()));
  EXPECT_GT(summary.objects_removed, 0u);
  ASSERT_OK_AND_ASSIGN(report, fixture.verify());
  EXPECT_TRUE(report.ok());
  EXPECT_THAT(fixture.export_git("lacks"), IsOk());
  EXPECT_THAT(fixture.export_git("shallow"), IsOk());
}

// A pointer that leads to the record of another archive is no pointer.
TEST_F(CollectTest, AnArchiveWhosePointerLeadsToAnotherIsKept) {
  fs::copy_file(fixture_.path() + "/archives/other", fixture_.path() + "/archives/mine",
                fs::copy_options::overwrite_existing);
  Store reopened = fixture_.reopened();
  ASSERT_THAT(collect_store(reopened, quick_collect()), IsOk());
  EXPECT_TRUE(reopened.snapshot().find(mine_.oid("HEAD:mine")));
  EXPECT_THAT(import_git(reopened, mine_.path(), {.name = "mine", .work = {.sync = false}}),
              FailsWith(ErrorCode::kCorrupt, "record of the archive other"));
}

// A file that is no pointer keeps nothing else from being collected.
TEST_F(CollectTest, AFileThatIsNoPointerBlocksNothing) {
  remove("other");
  write_test_file(fixture_.path() + "/archives/notes.txt", "junk\n");
  Store reopened = fixture_.reopened();
  ASSERT_OK_AND_ASSIGN(summary, collect_store(reopened, quick_collect()));
  EXPECT_EQ(summary.objects_removed, 4u);
}

// A lost pointer, and an import that begins the archive once more: the older records stay.
TEST_F(CollectTest, RecordsFromBeforeALostPointerAreKept) {
  mine_.run({"checkout", "--quiet", "-b", "old"});
  mine_.write("old", random_text(3000, 31));
  const GitOid old = mine_.commit("old");
  ASSERT_THAT(fixture_.import(mine_.path(), "mine"), IsOk());
  mine_.run({"checkout", "--quiet", "main"});
  mine_.run({"branch", "--quiet", "-D", "old"});
  ASSERT_THAT(fixture_.import(mine_.path(), "mine"), IsOk());
  fs::remove(fixture_.path() + "/archives/mine");
  ASSERT_THAT(fixture_.import(mine_.path(), "mine"), IsOk());
  ASSERT_THAT(collect_store(store(), quick_collect()), IsOk());
  EXPECT_TRUE(store().snapshot().find(old));
}

// The promise of dedup: what an import found stored is there when it has finished.
TEST_F(CollectTest, WhatAnImportBesideItFoundStoredSurvivesAtEveryStep) {
  std::set<std::string> phases;
  for (int step = 0;; ++step) {
    StoreFixture fixture;
    ASSERT_THAT(fixture.import(other_.path(), "other"), IsOk());
    ASSERT_THAT(fixture.import(mine_.path(), "mine"), IsOk());
    ASSERT_THAT(remove_archive(fixture.store(), "other", {.work = {.sync = false}}), IsOk());
    Store beside = fixture.reopened();
    int calls = 0;
    bool imported = false;
    CollectOptions options = quick_collect();
    options.work.operation.report = [&](const Progress& at) {
      if (calls++ != step || imports_wait(at.phase)) return;
      phases.insert(std::string(at.phase));
      imported = true;
      // Everything of it is stored already, and about to be collected.
      EXPECT_THAT(import_git(beside, other_.path(), {.name = "again", .work = {.sync = false}}),
                  IsOk());
    };
    ASSERT_THAT(collect_store(fixture.store(), options), IsOk());
    if (!imported) break;
    ASSERT_OK_AND_ASSIGN(report, fixture.verify());
    EXPECT_THAT(report.errors, testing::IsEmpty()) << "step " << step;
    ASSERT_OK_AND_ASSIGN(exported, fixture.export_git("again"));
    EXPECT_EQ(describe_repository(other_, exported), describe_repository(other_, other_.path()));
  }
  EXPECT_TRUE(phases.contains("looking at packs"));
  EXPECT_TRUE(phases.contains("copying objects"));
}

TEST_F(CollectTest, AnArchiveThatComesBesideItIsNoDamageAtAnyStep) {
  GitFixture fresh;
  fresh.write("new", random_text(2000, 33));
  fresh.commit("new");
  for (int step = 0;; ++step) {
    StoreFixture fixture;
    ASSERT_THAT(fixture.import(mine_.path(), "mine"), IsOk());
    Store beside = fixture.reopened();
    int calls = 0;
    bool imported = false;
    CollectOptions options = quick_collect();
    options.work.operation.report = [&](const Progress& at) {
      if (calls++ != step || imports_wait(at.phase)) return;
      imported = true;
      EXPECT_THAT(import_git(beside, fresh.path(), {.name = "fresh", .work = {.sync = false}}),
                  IsOk());
    };
    ASSERT_THAT(collect_store(fixture.store(), options), IsOk()) << "step " << step;
    if (!imported) break;
    ASSERT_OK_AND_ASSIGN(report, fixture.verify());
    EXPECT_THAT(report.errors, testing::IsEmpty()) << "step " << step;
  }
}

TEST_F(CollectTest, PacksGoOnlyWhenNoImportRuns) {
  remove("other");
  ASSERT_OK_AND_ASSIGN(locks, lock_for_import(store(), "running", {}));
  Store beside = fixture_.reopened();
  std::atomic<bool> waits = false;
  CollectOptions options = quick_collect();
  options.work.operation.report = [&](const Progress& at) {
    if (imports_wait(at.phase)) waits = true;
  };
  Result<CollectSummary> summary = Error{};
  std::thread thread([&] { summary = collect_store(beside, options); });
  while (!waits) std::this_thread::yield();
  // Whoever looks now finds the old packs, all of them.
  ASSERT_THAT(store().refresh(), IsOk());
  EXPECT_TRUE(store().snapshot().find(other_.oid("HEAD:other")));
  locks = {};
  thread.join();
  ASSERT_THAT(summary, IsOk());
  ASSERT_THAT(store().refresh(), IsOk());
  EXPECT_FALSE(store().snapshot().find(other_.oid("HEAD:other")));
  expect_mine_whole();
}

}  // namespace
}  // namespace bale
