// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Records are known by their ids: a tag of a source is a tag whatever its bytes are, in every verb.
// And stores of the old mark, which know them by their first byte, work as they did.

#include "store/core/record_mark.h"

#include <filesystem>
#include <string>
#include <vector>

#include "bale/archive_changes.h"
#include "bale/store_collect.h"
#include "bale/store_repair.h"
#include "store/core/record_scan.h"
#include "store/core/staged_pack.h"
#include "testing/archive_fixture.h"
#include "testing/git_fixture.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

namespace fs = std::filesystem;

using testing::ElementsAre;
using testing::IsEmpty;

TEST(RecordMarkTest, ARecordAndATagOfTheSameBytesHaveDifferentIds) {
  for (const std::string& payload : {std::string("{}"), "{" + std::string(3 << 20, 'x')}) {
    const Bytes bytes = as_bytes(payload);
    const ObjectId tag = content_hash(ObjectType::kAction, bytes);
    const ObjectId record = record_id(bytes);
    EXPECT_NE(tag, record);
    const auto in_pieces = [&](const ObjectId& id, bool marked) {
      EntryProof proof(id, ObjectType::kAction, bytes.size(), marked);
      for (std::size_t at = 0; at < bytes.size(); at += 1 << 20) {
        proof.update(bytes.subspan(at, std::min<std::size_t>(1 << 20, bytes.size() - at)));
      }
      const EntryIdentity is = proof.finish();
      EXPECT_EQ(is, identify_entry(id, ObjectType::kAction, bytes, marked));
      return is;
    };
    EXPECT_EQ(in_pieces(record, true), EntryIdentity::kRecord);
    EXPECT_EQ(in_pieces(tag, true), EntryIdentity::kObject);
    EXPECT_EQ(in_pieces(tag, false), EntryIdentity::kRecord);
    EXPECT_EQ(in_pieces(ObjectId(), true), EntryIdentity::kWrong);
    EXPECT_EQ(in_pieces(ObjectId(), false), EntryIdentity::kWrong);
    // Only an action can be a record.
    EXPECT_EQ(identify_entry(record, ObjectType::kBlob, bytes, true), EntryIdentity::kWrong);
  }
}

// The archive "good"; and "odd", of a repository with a tag whose payload is a later record of
// "good", and which no ref reaches.
class StrangersTagTest : public testing::Test {
 protected:
  StrangersTagTest() {
    git_.write("a", "good");
    git_.commit("good");
    EXPECT_THAT(fixture_.import(git_.path(), "good"), IsOk());
    good_ = *fixture_.store().snapshot().newest_record("good").value();
    odd_.write("b", "odd");
    const GitOid commit = odd_.commit("odd");
    Record record = fixture_.record("good");
    record.time += 1'000'000;
    record.refs["refs/heads/main"] = commit;
    payload_ = encode_record(record).value();
    tag_ = odd_.write_object("tag", payload_);
    before_odd_ = fixture_.files();
    EXPECT_THAT(fixture_.import_with(odd_.path(), {.name = "odd", .all_objects = true}), IsOk());
  }

  Result<RepairSummary> repair(ObjectSource* from = nullptr) {
    const Result<RepairSummary> summary =
        repair_store(fixture_.path(), {.from = from, .work = {.sync = false}});
    EXPECT_THAT(fixture_.store().refresh(), IsOk());
    return summary;
  }

  [[nodiscard]] std::string in_store(const std::string& name) const {
    return fixture_.path() + "/" + name;
  }

  // The tag is there under its Git id, and "good" is what it was.
  void expect_a_tag() {
    Store store = fixture_.reopened();
    ReadContext context;
    const auto location = store.snapshot().find(tag_);
    ASSERT_TRUE(location.has_value());
    ASSERT_OK_AND_ASSIGN(tag, store.snapshot().get(*location, context, tag_));
    EXPECT_EQ(as_text(tag.payload), payload_);
    EXPECT_THAT(store.snapshot().record(tag.id, context),
                FailsWith(ErrorCode::kCorrupt, "is not a record"));
    ASSERT_OK_AND_ASSIGN(newest, store.snapshot().newest_record("good"));
    EXPECT_EQ(newest, good_);
    ASSERT_OK_AND_ASSIGN(report, fixture_.verify());
    EXPECT_THAT(report.errors, IsEmpty());
    EXPECT_THAT(report.lost, IsEmpty());
  }

  GitFixture git_;
  GitFixture odd_;
  StoreFixture fixture_;
  ObjectId good_;
  std::string payload_;
  GitOid tag_;
  std::map<std::string, std::string> before_odd_;
};

TEST_F(StrangersTagTest, IsATagWhenAllThatIsDerivedIsMadeAgain) {
  expect_a_tag();
  for (const auto& [file, size] : fixture_.files()) {
    if (!file.ends_with(".pack")) fs::remove(file);
  }
  ASSERT_OK_AND_ASSIGN(summary, repair());
  EXPECT_THAT(summary.archives_recovered, ElementsAre("good", "odd"));
  EXPECT_EQ(summary.git_indexes_made, 2u);
  EXPECT_TRUE(summary.whole());
  expect_a_tag();
}

TEST_F(StrangersTagTest, IsATagWhenItsPackIsSalvagedAndTheMarkWasLost) {
  flip_byte(fixture_.pack_file(".pack", before_odd_), -1);
  for (const auto& [file, size] : fixture_.files()) {
    if (file.find("/archives/") != std::string::npos) fs::remove(file);
  }
  fs::remove(in_store("bale-store"));
  ASSERT_OK_AND_ASSIGN(summary, repair());
  EXPECT_EQ(summary.packs_salvaged, 1u);
  EXPECT_EQ(read_test_file(in_store("bale-store")), "bale store 2\n");
  expect_a_tag();
}

TEST_F(StrangersTagTest, IsATagWhenItComesFromAnotherStore) {
  const std::string copy = fixture_.beside("copy");
  fs::copy(fixture_.path(), copy, fs::copy_options::recursive);
  for (const std::string suffix : {".pack", ".idx", ".gitidx"}) {
    fs::remove(fixture_.pack_file(suffix, before_odd_));
  }
  ASSERT_OK_AND_ASSIGN(from, open_store_source(copy));
  ASSERT_OK_AND_ASSIGN(summary, repair(from.get()));
  EXPECT_TRUE(summary.whole());
  expect_a_tag();
}

TEST_F(StrangersTagTest, IsATagForMaintenance) {
  ASSERT_OK_AND_ASSIGN(removed,
                       remove_archive(fixture_.store(), "good", {.work = {.sync = false}}));
  ASSERT_THAT(collect_store(fixture_.store(), {.work = {.sync = false}}), IsOk());
  EXPECT_TRUE(fixture_.reopened().snapshot().find(tag_).has_value());
  good_ = removed.record;
  ASSERT_OK_AND_ASSIGN(archives, fixture_.reopened().snapshot().archives());
  EXPECT_THAT(archives, ElementsAre("odd"));
}

TEST_F(StrangersTagTest, NoPointerTakesItForARecord) {
  const ObjectId id = content_hash(ObjectType::kAction, as_bytes(payload_));
  write_test_file(in_store("archives/good"), id.to_hex() + "\n");
  ReadContext context;
  EXPECT_THAT(fixture_.store().snapshot().record("good", 0, context),
              FailsWith(ErrorCode::kCorrupt, "is not a record"));
  ASSERT_OK_AND_ASSIGN(summary, repair());
  EXPECT_THAT(summary.archives_recovered, ElementsAre("good"));
  expect_a_tag();
}

TEST(RecordMarkTest, CollectingKeepsARecordThatAGitIndexHasAnIdFor) {
  StoreFixture fixture;
  ASSERT_THAT(grow_archive(fixture.store(), "x", 1), IsOk());
  ASSERT_OK_AND_ASSIGN(old, fixture.store().snapshot().newest_record("x"));
  const std::string payload = encode_record({.archive = "x", .time = 2, .previous = old}).value();
  const ObjectId id = record_id(as_bytes(payload));
  ASSERT_OK_AND_ASSIGN(staged,
                       StagedPack::create(fixture.store(), GitHash::kSha1, {.sync = false}));
  ASSERT_THAT(staged->add_as(id, git_oid(GitHash::kSha1, ObjectType::kAction, as_bytes(payload)),
                             ObjectType::kAction, as_bytes(payload)),
              IsOk());
  ASSERT_THAT(staged->install(), IsOk());
  ASSERT_THAT(move_archive(fixture.store(), "x", id, false), IsOk());
  ASSERT_THAT(fixture.store().refresh(), IsOk());
  ASSERT_THAT(collect_store(fixture.store(), {.work = {.sync = false}}), IsOk());
  EXPECT_EQ(fixture.record("x").time, 2);
}

TEST(RecordMarkTest, APackTakesNoPayloadUnderAnIdThatIsNotIts) {
  StoreFixture fixture;
  ASSERT_OK_AND_ASSIGN(staged,
                       StagedPack::create(fixture.store(), GitHash::kSha1, {.sync = false}));
  const ObjectId other = record_id(as_bytes("another"));
  EXPECT_THAT(staged->add_as(other, {}, ObjectType::kAction, as_bytes("{}")),
              FailsWith(ErrorCode::kCorrupt, other.to_hex()));
}

// A store as earlier versions made it.
class OldStoreTest : public testing::Test {
 protected:
  OldStoreTest() {
    write_test_file(fixture_.path() + "/bale-store", "bale store 1\n");
    fixture_.store() = fixture_.reopened();
    git_.write("a", "one");
    git_.commit("first");
    EXPECT_THAT(fixture_.import(git_.path(), "x"), IsOk());
    git_.write("a", "two");
    git_.commit("second");
    EXPECT_THAT(fixture_.import(git_.path(), "x"), IsOk());
  }

  void expect_sound(std::uint64_t records) {
    fixture_.store() = fixture_.reopened();
    ReadContext context;
    ASSERT_OK_AND_ASSIGN(oldest, fixture_.store().snapshot().record("x", records - 1, context));
    EXPECT_EQ(oldest.id,
              content_hash(ObjectType::kAction, as_bytes(encode_record(oldest.record).value())));
    EXPECT_EQ(oldest.record.number, 1u);
    EXPECT_THAT(fixture_.store().snapshot().record("x", records, context),
                FailsWith(ErrorCode::kNotFound));
    ASSERT_OK_AND_ASSIGN(report, fixture_.verify());
    EXPECT_TRUE(report.ok());
    ASSERT_OK_AND_ASSIGN(exported, fixture_.export_git("x"));
    EXPECT_EQ(describe_repository(git_, exported), describe_repository(git_, git_.path()));
    EXPECT_EQ(read_test_file(fixture_.path() + "/bale-store"), "bale store 1\n");
  }

  GitFixture git_;
  StoreFixture fixture_;
};

TEST_F(OldStoreTest, IsReadWrittenAndMaintainedByItsOwnRule) {
  expect_sound(2);
  ASSERT_THAT(prune_archive(fixture_.store(), "x", 1, {.work = {.sync = false}}), IsOk());
  expect_sound(1);
  ASSERT_THAT(collect_store(fixture_.store(), {.work = {.sync = false}}), IsOk());
  expect_sound(1);
}

TEST_F(OldStoreTest, IsRepairedByItsOwnRuleAlsoWhereItsMarkWasLost) {
  for (const bool mark_too : {false, true}) {
    for (const auto& [file, size] : fixture_.files()) {
      if (!file.ends_with(".pack")) fs::remove(file);
    }
    if (mark_too) fs::remove(fixture_.path() + "/bale-store");
    ASSERT_OK_AND_ASSIGN(summary, repair_store(fixture_.path(), {.work = {.sync = false}}));
    EXPECT_THAT(summary.archives_recovered, ElementsAre("x"));
    expect_sound(2);
  }
}

TEST_F(OldStoreTest, ATagThatItWouldTakeForARecordIsNotImported) {
  const GitOid tag = git_.write_object("tag", R"({"archive":"x"})");
  const auto before = fixture_.files();
  EXPECT_THAT(fixture_.import_with(git_.path(), {.name = "x", .all_objects = true}),
              FailsWith(ErrorCode::kUnsupported, tag.to_hex()));
  EXPECT_EQ(fixture_.files(), before);
}

}  // namespace
}  // namespace bale
