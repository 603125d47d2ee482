// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A dry run says what the repair after it does, and where it cannot, that it cannot.

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "bale/store_repair.h"
#include "testing/damage_store.h"
#include "testing/matchers.h"

namespace bale {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The archives "a" with two records and "b" with one; each object and record in a pack of its own.
class RepairDryRunTest : public testing::Test {
 protected:
  RepairDryRunTest() {
    file_ = store_.blob("text");
    for (const std::string name : {"old", "new"}) {
      store_.record("a", {{"refs/heads/main", store_.commit(store_.tree({{name, file_}}), {})}});
    }
    store_.record("b", {{"refs/heads/main", store_.commit(store_.tree({}), {})}});
    EXPECT_THAT(store_.store().refresh(), IsOk());
  }

  // The pack of a record, without its suffix.
  std::string pack_of_record(const std::string& name, std::uint64_t back = 0) {
    ReadContext context;
    const Result<ArchiveRecord> entry = store_.store().snapshot().record(name, back, context);
    EXPECT_THAT(entry, IsOk());
    const std::string pack = store_.layout().pack(
        store_.store().snapshot().pack_name(store_.store().snapshot().find(entry->id)->pack));
    return pack.substr(0, pack.size() - std::string(".pack").size());
  }

  void lose_file(const std::string& name) { fs::remove(store_.layout().archive(name)); }

  Result<RepairSummary> repair(bool dry_run) {
    return repair_store(
        store_.store().path(),
        {.dry_run = dry_run,
         .level = 1,
         .work = {.memory_bytes = smallest_repair_memory_bytes(1), .lanes = 1, .sync = false}});
  }

  std::map<std::string, std::string> contents() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(store_.layout().root)) {
      if (entry.is_regular_file()) files[entry.path()] = read_test_file(entry.path());
    }
    return files;
  }

  // What was foretold, after it was compared with what then happened.
  RepairSummary foretold() {
    const std::map<std::string, std::string> before = contents();
    const Result<RepairSummary> would = repair(true);
    EXPECT_THAT(would, IsOk());
    EXPECT_TRUE(contents() == before);
    const Result<RepairSummary> did = repair(false);
    EXPECT_THAT(did, IsOk());
    if (!would || !did) return {};
    EXPECT_EQ(would->packs_salvaged, did->packs_salvaged);
    EXPECT_EQ(would->indexes_made, did->indexes_made);
    EXPECT_EQ(would->git_indexes_made, did->git_indexes_made);
    EXPECT_EQ(would->archives_recovered, did->archives_recovered);
    EXPECT_EQ(would->archives_lost, did->archives_lost);
    EXPECT_EQ(would->set_aside, did->set_aside);
    EXPECT_TRUE(did->losses_known);
    EXPECT_EQ(would->lost, would->losses_known ? did->lost : std::vector<std::string>());
    return *would;
  }

  DamageStore store_;
  GitOid file_;
};

TEST_F(RepairDryRunTest, ArchivesAreForetoldFromPacksWithoutAnIndex) {
  for (const std::vector<std::string>& suffixes :
       std::vector<std::vector<std::string>>{{".idx"}, {".gitidx"}, {".idx", ".gitidx"}}) {
    for (const std::string& suffix : suffixes) fs::remove(pack_of_record("a") + suffix);
    lose_file("a");
    const RepairSummary would = foretold();
    EXPECT_THAT(would.archives_recovered, ElementsAre("a"));
    EXPECT_FALSE(would.losses_known);
    EXPECT_THAT(would.notes.back(), HasSubstr("missing objects not checked"));
    ASSERT_THAT(store_.store().refresh(), IsOk());
  }
}

TEST_F(RepairDryRunTest, ArchivesAreForetoldFromDamagedPacks) {
  for (const std::int64_t at : {0, -1}) {
    flip_byte(pack_of_record("a") + ".pack", at);
    lose_file("a");
    const RepairSummary would = foretold();
    EXPECT_EQ(would.packs_salvaged, 1u);
    EXPECT_THAT(would.archives_recovered, ElementsAre("a"));
    ASSERT_THAT(store_.store().refresh(), IsOk());
  }
}

TEST_F(RepairDryRunTest, APointerToARecordThatWillBeThereIsGood) {
  fs::remove(pack_of_record("a") + ".idx");
  flip_byte(pack_of_record("b") + ".pack", -1);
  EXPECT_THAT(foretold().archives_recovered, IsEmpty());
}

TEST_F(RepairDryRunTest, WhatGoesBackToAnOlderRecordAndWhatIsLostIsForetold) {
  for (const std::string name : {"a", "b"}) flip_byte(pack_of_record(name) + ".pack", -40);
  const RepairSummary would = foretold();
  EXPECT_THAT(would.archives_recovered, ElementsAre("a"));
  EXPECT_THAT(would.archives_lost, ElementsAre("b"));
}

TEST_F(RepairDryRunTest, LossesOfArchivesThatWouldBeRecoveredAreForetold) {
  fs::remove_all(store_.layout().archives());
  store_.lose(file_);
  const RepairSummary would = foretold();
  EXPECT_THAT(would.archives_recovered, ElementsAre("a", "b"));
  EXPECT_TRUE(would.losses_known);
  EXPECT_THAT(would.lost, ElementsAre(file_.to_hex()));
}

TEST_F(RepairDryRunTest, WithoutTheMarkItSaysWhatItCannotTell) {
  fs::remove(store_.layout().mark());
  ASSERT_OK_AND_ASSIGN(would, repair(true));
  EXPECT_FALSE(would.losses_known);
  EXPECT_THAT(would.notes.back(), HasSubstr("can be checked only after this is repaired"));
}

}  // namespace
}  // namespace bale
