// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Stores that are damaged in every way, and mended out of what is left of them. What comes from
// elsewhere is in repair_fetch_test.cc, disks that fail in repair_faults_test.cc.

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "bale/archive_changes.h"
#include "bale/store_collect.h"
#include "bale/store_repair.h"
#include "store/core/catalog_builder.h"
#include "store/core/known_losses.h"
#include "store/core/store_impl.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"
#include "testing/temp_directory.h"

namespace bale {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// What all tests begin with, made once: two archives of two records each, a pack a record.
struct SmallStore {
  SmallStore() {
    for (const std::string text : {"one", "second"}) {
      git.write("a", text);
      git.write("dir/large", random_text(300'000, text.size()));
      git.commit(text);
      git.tag("v-" + text, git.oid("HEAD"));
      EXPECT_THAT(fixture.import(git.path(), "x"), IsOk());
    }
    GitFixture other;
    for (const std::string text : {"three", "four"}) {
      other.write("b", text);
      other.commit(text);
      EXPECT_THAT(fixture.import(other.path(), "y"), IsOk());
    }
  }

  GitFixture git;
  StoreFixture fixture;
};

class RepairTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { made_ = std::make_unique<SmallStore>(); }

  static void TearDownTestSuite() { made_.reset(); }

  RepairTest() {
    fs::copy(made_->fixture.path(), path_, fs::copy_options::recursive);
    before_ = contents();
    state_ = state();
  }

  [[nodiscard]] Store opened() const { return Store::open(path_).value(); }

  static GitOid oid(const std::string& revision) { return made_->git.oid(revision); }

  void expect_whole() const {
    ASSERT_OK_AND_ASSIGN(report, verify_store(opened(), {}));
    EXPECT_TRUE(report.ok()) << report.errors.front().message;
  }

  Result<RepairSummary> repair(RepairOptions options = {}) {
    options.level = 1;
    options.work.memory_bytes = smallest_repair_memory_bytes(1);
    options.work.lanes = 1;
    options.work.sync = false;
    return repair_store(path_, options);
  }

  // Every file of the store but locks, by its path in it.
  std::map<std::string, std::string> contents() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(path_)) {
      if (!entry.is_regular_file() || entry.path().extension() == ".lock") continue;
      files[fs::relative(entry.path(), path_)] = read_test_file(entry.path());
    }
    return files;
  }

  // What can be read by which Git id, and where each archive stands.
  std::map<std::string, std::string> state() const {
    std::map<std::string, std::string> found;
    const Store store = opened();
    ReadContext context;
    const std::shared_ptr<const PackSet> packs = packs_of(store);
    for (std::uint32_t table = 0; table < packs->table_count(); ++table) {
      for (std::uint64_t i = 0; i < packs->record_count(table); ++i) {
        const GitOid oid = packs->oid(table, i);
        const auto object = store.snapshot().get(*packs->location(table, i), context, oid);
        if (object) found[oid.to_hex()] = std::string(as_text(object->payload));
      }
    }
    const Result<std::vector<std::string>> names = store.snapshot().archives();
    EXPECT_THAT(names, IsOk());
    for (const std::string& name : names.value()) {
      for (std::uint64_t back = 0;; ++back) {
        const auto record = store.snapshot().record(name, back, context);
        if (!record) break;
        found[name] += record->id.to_hex() + " ";
      }
    }
    return found;
  }

  // The damage done since the store was made is gone, and no byte of a file that is not derived.
  void expect_mended() {
    expect_whole();
    EXPECT_EQ(state(), state_);
    expect_second_run_does_nothing();
  }

  void expect_second_run_does_nothing() {
    const std::map<std::string, std::string> mended = contents();
    ASSERT_OK_AND_ASSIGN(again, repair());
    EXPECT_THAT(again.notes, IsEmpty());
    EXPECT_THAT(again.set_aside, IsEmpty());
    EXPECT_EQ(again.packs_salvaged + again.indexes_made + again.git_indexes_made, 0u);
    EXPECT_THAT(again.archives_recovered, IsEmpty());
    EXPECT_TRUE(contents() == mended);
  }

  // Whether each file that was there before a repair is somewhere in the store.
  void expect_nothing_deleted(const std::map<std::string, std::string>& before) {
    std::multiset<std::string> there;
    for (const auto& [name, content] : contents()) there.insert(content);
    for (const auto& [name, content] : before) EXPECT_TRUE(there.contains(content)) << name;
  }

  [[nodiscard]] std::string in_store(const std::string& name) const { return path_ + "/" + name; }

  // The path in the store, without ".pack", of the pack that has it.
  std::string pack_of(const std::string& revision) {
    const Store store = opened();
    return "packs/" + store.snapshot().pack_name(store.snapshot().find(oid(revision))->pack);
  }

  EntryInfo entry_of(const std::string& revision) {
    const Store store = opened();
    ReadContext context;
    return *store.snapshot().info(*store.snapshot().find(oid(revision)), context);
  }

  static inline std::unique_ptr<SmallStore> made_;
  TempDirectory directory_;
  const std::string path_ = directory_ / "store";
  std::map<std::string, std::string> before_;
  std::map<std::string, std::string> state_;
};

TEST_F(RepairTest, AStoreThatIsWholeStaysAsItIs) {
  ASSERT_OK_AND_ASSIGN(summary, repair());
  EXPECT_TRUE(summary.whole());
  EXPECT_TRUE(contents() == before_);
  expect_mended();
}

TEST_F(RepairTest, IndexesThatAreLostOrDamagedAreMadeAnewByteForByte) {
  const std::string pack = pack_of("v-second");
  for (const std::vector<std::string>& suffixes :
       std::vector<std::vector<std::string>>{{".idx"}, {".gitidx"}, {".idx", ".gitidx"}}) {
    for (const bool lost : {true, false}) {
      for (const std::int64_t at : {5, 100, -1}) {
        std::map<std::string, std::string> damaged;
        for (const std::string& suffix : suffixes) {
          if (lost) fs::remove(in_store(pack + suffix));
          if (!lost) flip_byte(in_store(pack + suffix), at);
          if (!lost) damaged[suffix] = read_test_file(in_store(pack + suffix));
        }
        ASSERT_OK_AND_ASSIGN(would, repair({.dry_run = true}));
        EXPECT_EQ(would.indexes_made + would.git_indexes_made, suffixes.size());
        EXPECT_EQ(fs::exists(in_store(pack + suffixes[0])), !lost);
        ASSERT_OK_AND_ASSIGN(summary, repair());
        EXPECT_EQ(summary.indexes_made + summary.git_indexes_made, suffixes.size());
        EXPECT_EQ(summary.set_aside.size(), damaged.size());
        for (const auto& [suffix, content] : damaged) {
          const std::string aside = "damaged/" + pack.substr(6) + suffix;
          EXPECT_EQ(read_test_file(in_store(aside)), content);
          fs::remove(in_store(aside));
        }
        fs::remove(in_store("damaged"));
        EXPECT_TRUE(contents() == before_);
      }
    }
  }
  expect_mended();
}

TEST_F(RepairTest, ASecondDamagedFileOfOneNameGetsANumber) {
  const std::string pack = pack_of("v-second");
  for (int i = 0; i < 3; ++i) {
    flip_byte(in_store(pack + ".idx"), 40 + i);
    ASSERT_THAT(repair(), IsOk());
  }
  const std::string aside = "damaged/" + pack.substr(6) + ".idx";
  for (const char* number : {"", ".1", ".2"}) EXPECT_TRUE(fs::exists(in_store(aside + number)));
  expect_mended();
}

TEST_F(RepairTest, OfADamagedPackAllButTheDamagedEntryComesBack) {
  for (const std::string revision : {"HEAD:dir/large", "HEAD:dir", "HEAD", "v-second"}) {
    for (const bool in_header : {true, false}) {
      const std::string pack = pack_of(revision);
      const EntryInfo entry = entry_of(revision);
      const std::uint64_t at = in_header
                                   ? entry.offset + 3
                                   : entry.offset + entry.entry_bytes - entry.stored_size / 2 - 1;
      flip_byte(in_store(pack + ".pack"), static_cast<std::int64_t>(at));
      const std::map<std::string, std::string> damaged = contents();
      ASSERT_OK_AND_ASSIGN(summary, repair());
      EXPECT_EQ(summary.packs_salvaged, 1u);
      EXPECT_EQ(summary.set_aside.size(), 3u);
      expect_nothing_deleted(damaged);
      std::map<std::string, std::string> expected = state_;
      expected.erase(oid(revision).to_hex());
      EXPECT_EQ(state(), expected) << revision << in_header;
      // All as it was before the next one.
      for (const auto& [name, content] : contents()) fs::remove(in_store(name));
      fs::remove(in_store("damaged"));
      for (const auto& [name, content] : before_) write_test_file(in_store(name), content);
    }
  }
}

TEST_F(RepairTest, APackThatIsDamagedInItsTrailerAloneComesBackUnderItsName) {
  const std::string pack = pack_of("v-second");
  flip_byte(in_store(pack + ".pack"), -1);
  const std::map<std::string, std::string> damaged = contents();
  ASSERT_OK_AND_ASSIGN(summary, repair());
  EXPECT_EQ(summary.packs_salvaged, 1u);
  EXPECT_TRUE(summary.whole());
  expect_nothing_deleted(damaged);
  expect_nothing_deleted(before_);
  expect_mended();
}

TEST_F(RepairTest, ADryRunSaysWhatWouldBeDoneAndChangesNothing) {
  flip_byte(in_store(pack_of("v-second") + ".pack"), -1);
  fs::remove(in_store(pack_of("v-one") + ".gitidx"));
  const std::map<std::string, std::string> damaged = contents();
  ASSERT_OK_AND_ASSIGN(would, repair({.dry_run = true}));
  EXPECT_TRUE(contents() == damaged);
  ASSERT_OK_AND_ASSIGN(summary, repair());
  EXPECT_EQ(would.packs_salvaged, summary.packs_salvaged);
  EXPECT_EQ(would.objects_salvaged, summary.objects_salvaged);
  EXPECT_EQ(would.git_indexes_made, summary.git_indexes_made);
  EXPECT_EQ(would.set_aside, summary.set_aside);
  expect_mended();
}

TEST_F(RepairTest, OfATruncatedPackWhatStandsBeforeTheCutComesBack) {
  const std::string pack = pack_of("v-second");
  const EntryInfo entry = entry_of("HEAD:dir/large");
  fs::resize_file(in_store(pack + ".pack"), entry.offset + entry.entry_bytes - 10);
  const std::map<std::string, std::string> damaged = contents();
  ASSERT_OK_AND_ASSIGN(summary, repair());
  EXPECT_EQ(summary.packs_salvaged, entry.offset > 16 ? 1u : 0u);
  expect_nothing_deleted(damaged);
  EXPECT_FALSE(fs::exists(in_store(pack + ".pack")));
  expect_second_run_does_nothing();
}

TEST_F(RepairTest, APackOfWhichNothingIsLeftIsSetAside) {
  const std::string pack = pack_of("v-second");
  write_test_file(in_store(pack + ".pack"), random_text(5000, 7));
  const std::map<std::string, std::string> damaged = contents();
  ASSERT_OK_AND_ASSIGN(summary, repair());
  EXPECT_EQ(summary.packs_salvaged, 0u);
  EXPECT_EQ(summary.set_aside.size(), 4u) << "its files, and a pointer";
  expect_nothing_deleted(damaged);
  EXPECT_THAT(summary.archives_recovered, ElementsAre("x"));
  EXPECT_FALSE(summary.notes.empty());
  expect_whole();
  expect_second_run_does_nothing();
}

TEST_F(RepairTest, ARepairThatStoppedAfterThePackSteppedAsideIsTakenUpAgain) {
  const std::string pack = pack_of("v-second");
  flip_byte(in_store(pack + ".pack"), -1);
  fs::rename(in_store(pack + ".pack"), in_store(pack + ".damaged.pack"));
  ASSERT_OK_AND_ASSIGN(summary, repair());
  EXPECT_EQ(summary.packs_salvaged, 1u);
  EXPECT_TRUE(fs::exists(in_store("damaged/" + pack.substr(6) + ".pack")));
  expect_mended();
}

TEST_F(RepairTest, PointersThatAreLostComeBackAsTheyWere) {
  Store store = opened();
  ASSERT_THAT(prune_archive(store, "x", 1), IsOk());
  ASSERT_THAT(remove_archive(store, "y"), IsOk());
  before_ = contents();
  state_ = state();
  fs::remove_all(in_store("archives"));
  ASSERT_OK_AND_ASSIGN(would, repair({.dry_run = true}));
  EXPECT_FALSE(would.notes.empty());
  EXPECT_FALSE(fs::exists(in_store("archives")));
  ASSERT_OK_AND_ASSIGN(summary, repair());
  EXPECT_THAT(summary.archives_recovered, ElementsAre("x"));
  EXPECT_TRUE(contents() == before_);
  expect_mended();
}

TEST_F(RepairTest, ADamagedPointerStepsAsideAndOneThatIsGoodIsNotTouched) {
  write_test_file(in_store("archives/x"), "no id");
  // An older record, as somebody may want it.
  ReadContext context;
  ASSERT_OK_AND_ASSIGN(older, opened().snapshot().record("y", 1, context));
  write_test_file(in_store("archives/y"), older.id.to_hex() + "\n");
  state_["y"] = older.id.to_hex() + " ";
  ASSERT_OK_AND_ASSIGN(would, repair({.dry_run = true}));
  EXPECT_THAT(would.archives_recovered, ElementsAre("x"));
  EXPECT_EQ(read_test_file(in_store("archives/x")), "no id");
  ASSERT_OK_AND_ASSIGN(summary, repair());
  EXPECT_THAT(summary.archives_recovered, ElementsAre("x"));
  EXPECT_THAT(summary.set_aside, ElementsAre(in_store("damaged/x")));
  EXPECT_EQ(read_test_file(in_store("damaged/x")), "no id");
  expect_mended();
}

TEST_F(RepairTest, AnArchiveOfWhichNoRecordIsLeftIsNamed) {
  write_test_file(in_store("archives/z"), std::string(64, 'a') + "\n");
  ASSERT_OK_AND_ASSIGN(summary, repair());
  EXPECT_THAT(summary.archives_lost, ElementsAre("z"));
  EXPECT_FALSE(summary.whole());
  EXPECT_TRUE(fs::exists(in_store("archives/z")));
}

TEST_F(RepairTest, TheStoreListsWhatIsLostUntilItIsThere) {
  EXPECT_FALSE(has_known_losses(opened()));
  const GitOid lost = oid("HEAD:dir/large");
  const auto at = opened().snapshot().find(lost);
  ASSERT_TRUE(at);
  const std::string pack = layout_of(opened()).pack(opened().snapshot().pack_name(at->pack));
  const std::string good = read_test_file(pack);
  flip_byte(pack, static_cast<std::int64_t>(at->offset) + 50);
  ASSERT_OK_AND_ASSIGN(would, repair({.dry_run = true}));
  EXPECT_FALSE(fs::exists(in_store("lost")));
  ASSERT_OK_AND_ASSIGN(summary, repair());
  EXPECT_EQ(read_test_file(in_store("lost")), lost.to_hex() + "\n");
  EXPECT_TRUE(has_known_losses(opened()));
  ASSERT_OK_AND_ASSIGN(report, verify_store(opened(), {}));
  for (const std::string& debris : report.debris) {
    EXPECT_EQ(debris.find(in_store("lost")), std::string::npos) << debris;
  }
  const auto source = open_store_source(made_->fixture.path());
  ASSERT_THAT(source, IsOk());
  ASSERT_OK_AND_ASSIGN(fetched, repair({.from = source->get()}));
  EXPECT_FALSE(fs::exists(in_store("lost")));
  EXPECT_FALSE(has_known_losses(opened()));
}

// A list that is not complete, or damaged, is no proof that nothing is lost.
TEST_F(RepairTest, AListOfLostObjectsIsReadToItsEnd) {
  const std::string there = oid("HEAD").to_hex() + "\n";
  std::string many;
  for (int i = 0; i < 2000; ++i) many += there;
  for (const std::string end : {"more\n", "0123\n", "0123", "\n"}) {
    write_test_file(in_store("lost"), many + end);
    EXPECT_TRUE(has_known_losses(opened())) << end;
  }
  write_test_file(in_store("lost"), many + std::string(40, '1') + "\n");
  EXPECT_TRUE(has_known_losses(opened()));
  write_test_file(in_store("lost"), many);
  EXPECT_FALSE(has_known_losses(opened()));
}

TEST_F(RepairTest, AFileInPlaceOfADirectoryIsMovedAwayAndTheReverse) {
  for (const char* name : {"archives", "staging"}) {
    fs::remove_all(in_store(name));
    write_test_file(in_store(name), "a file");
    ASSERT_OK_AND_ASSIGN(report, verify_store(opened(), {}));
    EXPECT_FALSE(report.ok()) << name;
    ASSERT_OK_AND_ASSIGN(would, repair({.dry_run = true}));
    EXPECT_TRUE(fs::is_regular_file(in_store(name)));
    ASSERT_OK_AND_ASSIGN(summary, repair());
    EXPECT_EQ(would.set_aside, summary.set_aside);
    EXPECT_TRUE(fs::is_directory(in_store(name)));
    EXPECT_EQ(read_test_file(in_store("damaged/" + std::string(name))), "a file");
    ASSERT_OK_AND_ASSIGN(after, verify_store(opened(), {}));
    EXPECT_TRUE(after.ok()) << name;
    EXPECT_TRUE(opened().snapshot().archive_pointer("x").value().has_value());
  }
  fs::create_directories(in_store("lost/inside"));
  ASSERT_THAT(repair(), IsOk());
  EXPECT_FALSE(fs::exists(in_store("lost")));
  EXPECT_TRUE(fs::exists(in_store("damaged/lost/inside")));
}

TEST_F(RepairTest, AFileWithAnotherNameThanArchivesHaveIsDebrisAndStays) {
  write_test_file(in_store("archives/no@name"), "something");
  const std::map<std::string, std::string> with_it = contents();
  ASSERT_OK_AND_ASSIGN(summary, repair());
  EXPECT_THAT(summary.notes, IsEmpty());
  EXPECT_TRUE(summary.whole());
  EXPECT_TRUE(contents() == with_it);
  ASSERT_OK_AND_ASSIGN(names, opened().snapshot().archives());
  EXPECT_THAT(names, ElementsAre("x", "y"));
  Store store = opened();
  EXPECT_THAT(collect_store(store, {}), IsOk());
  ASSERT_OK_AND_ASSIGN(report, verify_store(opened(), {}));
  EXPECT_EQ(report.debris.size(), 1u);
}

TEST_F(RepairTest, AFileThatIsNoPointerOfAnArchiveWithoutRecordsStepsAside) {
  const std::string record_of_x = read_test_file(in_store("archives/x"));
  for (const std::string& content : {std::string(), std::string("garbage"), record_of_x}) {
    SCOPED_TRACE(content);
    write_test_file(in_store("archives/z"), content);
    Store store = opened();
    EXPECT_THAT(
        remove_archive(store, "z"),
        FailsWithHint(ErrorCode::kCorrupt,
                      content == record_of_x ? HintKind::kRepair : HintKind::kRepairOrRemove));
    ASSERT_OK_AND_ASSIGN(would, repair({.dry_run = true}));
    EXPECT_THAT(would.unreadable, IsEmpty());
    EXPECT_THAT(would.archives_lost, ElementsAre("z"));
    EXPECT_TRUE(fs::exists(in_store("archives/z")));
    ASSERT_OK_AND_ASSIGN(summary, repair());
    EXPECT_THAT(summary.archives_lost, ElementsAre("z"));
    EXPECT_EQ(summary.set_aside, would.set_aside);
    ASSERT_EQ(summary.set_aside.size(), 1u);
    EXPECT_EQ(read_test_file(summary.set_aside.front()), content);
    expect_mended();
  }
}

TEST_F(RepairTest, ADirectoryInThePlaceOfAPointerStepsAside) {
  const std::string pointer = in_store("archives/x");
  fs::remove(pointer);
  fs::create_directories(pointer + "/below");
  ASSERT_OK_AND_ASSIGN(report, verify_store(opened(), {}));
  ASSERT_EQ(report.archives_without_file.size(), 1u);
  EXPECT_EQ(report.archives_without_file.front().name, "x");
  ASSERT_OK_AND_ASSIGN(summary, repair());
  EXPECT_THAT(summary.archives_recovered, ElementsAre("x"));
  EXPECT_THAT(summary.set_aside, ElementsAre(in_store("damaged/x")));
  expect_mended();
}

TEST_F(RepairTest, TheMarkTheLockAndDirectoriesAreMadeAgain) {
  fs::remove(in_store("bale-store"));
  fs::remove(in_store("lock"));
  fs::remove_all(in_store("staging"));
  ASSERT_OK_AND_ASSIGN(would, repair({.dry_run = true}));
  EXPECT_EQ(would.notes.size(), 4u);
  EXPECT_FALSE(fs::exists(in_store("lock")));
  ASSERT_OK_AND_ASSIGN(summary, repair());
  EXPECT_EQ(summary.notes.size(), 3u);
  EXPECT_TRUE(contents() == before_);
  write_test_file(in_store("bale-store"), "bale stxre 1\n");
  ASSERT_OK_AND_ASSIGN(damaged, repair());
  EXPECT_THAT(damaged.set_aside, ElementsAre(in_store("damaged/bale-store")));
  expect_mended();
}

TEST_F(RepairTest, WhatIsNoStoreIsLeftAlone) {
  write_test_file(in_store("bale-store"), "bale store 3\n");
  EXPECT_THAT(repair(), FailsWith(ErrorCode::kUnsupported));
  EXPECT_EQ(read_test_file(in_store("bale-store")), "bale store 3\n");
  const std::string other = directory_ / "other";
  fs::create_directories(other + "/packs");
  write_test_file(other + "/packs/a.pack", "something else");
  EXPECT_THAT(repair_store(other), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(repair_store(directory_ / "nothing"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(repair_store(path_, {.work = {.memory_bytes = 1 << 20}}),
              FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(RepairTest, ADirectoryInThePlaceOfTheCatalogStepsAside) {
  fs::create_directories(in_store("catalog/below"));
  ASSERT_OK_AND_ASSIGN(report, verify_store(opened(), {}));
  EXPECT_THAT(report.debris, ElementsAre(testing::StartsWith(in_store("catalog") + ":")));
  ASSERT_OK_AND_ASSIGN(summary, repair());
  EXPECT_THAT(summary.set_aside, ElementsAre(in_store("damaged/catalog")));
  expect_mended();
}

TEST_F(RepairTest, ACatalogThatIsDamagedOrStaleGoes) {
  const auto write = [&] {
    const Store store = opened();
    ASSERT_THAT(write_catalog(store.file_system(), layout_of(store), *packs_of(store),
                              {.sync = false, .operation = {}}),
                IsOk());
  };
  for (const std::int64_t at : {3, 200, -1}) {
    write();
    flip_byte(in_store("catalog"), at);
    ASSERT_OK_AND_ASSIGN(summary, repair());
    EXPECT_EQ(summary.notes.size(), 1u);
    EXPECT_FALSE(fs::exists(in_store("catalog")));
  }
  write();
  ASSERT_THAT(repair(), IsOk());
  EXPECT_TRUE(fs::exists(in_store("catalog")));
  flip_byte(in_store(pack_of("v-second") + ".idx"), 100);
  ASSERT_THAT(repair(), IsOk());
  EXPECT_FALSE(fs::exists(in_store("catalog"))) << "it may have been made of the damaged index";
  expect_mended();
}

}  // namespace
}  // namespace bale
