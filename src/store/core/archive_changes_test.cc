// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Removing and pruning, on a file system where all goes well; archive_changes_faults_test.cc has
// the others.

#include "bale/archive_changes.h"

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "bale/store_collect.h"
#include "bale/store_statistics.h"
#include "bale/store_verifier.h"
#include "base/memory_size.h"
#include "hash/blake3.h"
#include "store/core/archive_recovery.h"
#include "store/core/locks.h"
#include "testing/archive_fixture.h"
#include "testing/matchers.h"
#include "testing/pack_fixture.h"

namespace bale {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ArchiveChangesTest : public TwoArchivesTest {
 protected:
  std::vector<std::string> archives() {
    const Result<std::vector<std::string>> names = store_.snapshot().archives();
    return names ? *names : std::vector<std::string>{"(none could be read)"};
  }

  void point_to(const std::string& name, std::string_view content) {
    ASSERT_THAT(write_file(files_, store_.path() + "/archives/" + name, as_bytes(content)), IsOk());
  }
};

TEST_F(ArchiveChangesTest, WhatIsRemovedIsNoArchiveAnyMore) {
  ASSERT_OK_AND_ASSIGN(newest, store_.snapshot().newest_record("x"));
  ASSERT_OK_AND_ASSIGN(removed, remove_archive(store_, "x"));
  EXPECT_THAT(archives(), ElementsAre("y"));
  EXPECT_THAT(store_.snapshot().record("x", 0, context_),
              FailsWith(ErrorCode::kNotFound, "x was removed on"));
  EXPECT_THAT(store_.snapshot().record("x", 1, context_),
              FailsWith(ErrorCode::kNotFound, "x was removed on"));
  ASSERT_OK_AND_ASSIGN(none, store_.snapshot().newest_record("x"));
  EXPECT_FALSE(none.has_value());
  EXPECT_THAT(verify_store(store_, {.archive = "x"}), FailsWith(ErrorCode::kNotFound));
  ASSERT_OK_AND_ASSIGN(statistics, store_statistics(store_));
  EXPECT_EQ(statistics.archives, 1u);
  EXPECT_EQ(statistics.records, 1u);
  // But it is remembered, in the packs.
  ASSERT_OK_AND_ASSIGN(names, store_.snapshot().archive_pointers());
  EXPECT_THAT(names, ElementsAre("x", "y"));
  ASSERT_OK_AND_ASSIGN(pointer, store_.snapshot().archive_pointer("x"));
  EXPECT_EQ(pointer, removed.record);
  ASSERT_OK_AND_ASSIGN(entry, store_.snapshot().record(removed.record, context_));
  EXPECT_EQ(entry.record.kind, RecordKind::kRemoved);
  EXPECT_EQ(entry.record.archive, "x");
  EXPECT_EQ(entry.record.previous, newest);
  EXPECT_GT(entry.record.time, 3);
  ASSERT_TRUE(store_.snapshot().find(removed.record));
  EXPECT_EQ(store_.snapshot().pack_name(store_.snapshot().find(removed.record)->pack),
            removed.pack);
  ASSERT_OK_AND_ASSIGN(report, verify_store(store_, {}));
  EXPECT_TRUE(report.ok());
}

TEST_F(ArchiveChangesTest, WhatIsNotThereCannotBeRemovedNorPruned) {
  const auto before = names_in(files_, "/store/archives");
  EXPECT_THAT(remove_archive(store_, "z"), FailsWith(ErrorCode::kNotFound, "no archive z"));
  EXPECT_THAT(prune_archive(store_, "z", 1), FailsWith(ErrorCode::kNotFound, "no archive z"));
  EXPECT_EQ(*names_in(files_, "/store/archives"), *before);
  EXPECT_THAT(remove_archive(store_, "../x"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(prune_archive(store_, "x", 0),
              FailsWithHint(ErrorCode::kInvalidArgument, HintKind::kRemoveArchive));
  ASSERT_THAT(remove_archive(store_, "x"), IsOk());
  const std::uint32_t packs = store_.snapshot().pack_count();
  EXPECT_THAT(remove_archive(store_, "x"), FailsWith(ErrorCode::kNotFound, "was removed on"));
  EXPECT_THAT(prune_archive(store_, "x", 1), FailsWith(ErrorCode::kNotFound, "was removed on"));
  ASSERT_THAT(store_.refresh(), IsOk());
  EXPECT_EQ(store_.snapshot().pack_count(), packs);
}

TEST_F(ArchiveChangesTest, AnArchiveThatComesBackBeginsAnew) {
  ASSERT_OK_AND_ASSIGN(removed, remove_archive(store_, "x"));
  ASSERT_OK_AND_ASSIGN(first, grow_archive(store_, "x", 10));
  ASSERT_OK_AND_ASSIGN(entry, store_.snapshot().record(first, context_));
  EXPECT_EQ(entry.record.previous, removed.record);
  ASSERT_THAT(grow_archive(store_, "x", 11), IsOk());
  EXPECT_THAT(archives(), ElementsAre("x", "y"));
  EXPECT_THAT(times("x"), ElementsAre(11, 10));
  EXPECT_THAT(store_.snapshot().record("x", 2, context_),
              FailsWith(ErrorCode::kNotFound, "has 2 records"));
  // Its records from before are not counted among those to keep.
  ASSERT_OK_AND_ASSIGN(nothing, prune_archive(store_, "x", 2));
  EXPECT_EQ(nothing.records_dropped, 0u);
  ASSERT_OK_AND_ASSIGN(pruned, prune_archive(store_, "x", 1));
  EXPECT_EQ(pruned.records_dropped, 1u);
  EXPECT_THAT(times("x"), ElementsAre(11));
  ASSERT_THAT(remove_archive(store_, "x"), IsOk());
  EXPECT_THAT(archives(), ElementsAre("y"));
}

TEST_F(ArchiveChangesTest, PruningKeepsTheNewestRecordsInANewChain) {
  const ArchiveRecord newest = store_.snapshot().record("x", 0, context_).value();
  const ArchiveRecord second = store_.snapshot().record("x", 1, context_).value();
  ASSERT_OK_AND_ASSIGN(pruned, prune_archive(store_, "x", 2));
  EXPECT_EQ(pruned.records_kept, 2u);
  EXPECT_EQ(pruned.records_dropped, 1u);
  EXPECT_THAT(times("x"), ElementsAre(3, 2));
  EXPECT_THAT(times("y"), ElementsAre(1));
  EXPECT_THAT(store_.snapshot().record("x", 2, context_),
              FailsWith(ErrorCode::kNotFound, "has 2 records"));
  ASSERT_OK_AND_ASSIGN(now, store_.snapshot().record("x", 0, context_));
  ASSERT_OK_AND_ASSIGN(before, store_.snapshot().record("x", 1, context_));
  EXPECT_EQ(now.id, pruned.record);
  EXPECT_EQ(now.record.previous, before.id);
  EXPECT_EQ(now.record.replaces, newest.id);
  EXPECT_FALSE(before.record.previous.has_value());
  EXPECT_EQ(before.record.replaces, second.id);
  EXPECT_EQ(before.record.number, 1u);
  // Nothing else of a record changed, and both lie in the pack that is named.
  Record expected = newest.record;
  expected.number = 2;
  expected.previous = now.record.previous;
  expected.replaces = now.record.replaces;
  EXPECT_EQ(now.record, expected);
  for (const ObjectId& id : {now.id, before.id}) {
    EXPECT_EQ(store_.snapshot().pack_name(store_.snapshot().find(id)->pack), pruned.pack);
  }
  ASSERT_OK_AND_ASSIGN(report, verify_store(store_, {}));
  EXPECT_TRUE(report.ok());
  // Again, after an import.
  ASSERT_THAT(grow_archive(store_, "x", 4), IsOk());
  ASSERT_THAT(prune_archive(store_, "x", 2), IsOk());
  EXPECT_THAT(times("x"), ElementsAre(4, 3));
}

TEST_F(ArchiveChangesTest, NothingToPruneWritesNothing) {
  const auto packs = names_in(files_, "/store/packs");
  ASSERT_OK_AND_ASSIGN(newest, store_.snapshot().newest_record("x"));
  for (const std::uint64_t keep : {std::uint64_t{3}, std::uint64_t{4}, UINT64_MAX}) {
    ASSERT_OK_AND_ASSIGN(pruned, prune_archive(store_, "x", keep));
    EXPECT_EQ(pruned.records_kept, 3u);
    EXPECT_EQ(pruned.records_dropped, 0u);
    EXPECT_EQ(pruned.record, newest);
    EXPECT_EQ(pruned.pack, "");
  }
  EXPECT_EQ(*names_in(files_, "/store/packs"), *packs);
}

TEST_F(ArchiveChangesTest, ThePacksAloneTellWhereEveryPointerLed) {
  const auto expect_recovered = [this] {
    ArchiveRecovery recovery;
    for (const std::uint32_t number : store_.snapshot().pack_numbers()) {
      ASSERT_OK_AND_ASSIGN(pack, store_.snapshot().pack(number));
      for (std::uint64_t i = 0; i < pack->record_count(); ++i) {
        ASSERT_OK_AND_ASSIGN(entry, pack->record(i));
        ASSERT_OK_AND_ASSIGN(object,
                             store_.snapshot().get(ObjectLocation{number, entry.offset}, context_));
        if (object.type != ObjectType::kAction) continue;
        ASSERT_OK_AND_ASSIGN(record, decode_record(object.payload));
        recovery.add(object.id, record);
      }
    }
    const std::vector<RecoveredArchive> recovered = recovery.archives();
    ASSERT_EQ(recovered.size(), 2u);
    for (const RecoveredArchive& archive : recovered) {
      EXPECT_EQ(*store_.snapshot().archive_pointer(archive.name), archive.record) << archive.name;
      EXPECT_EQ(!store_.snapshot().newest_record(archive.name)->has_value(), archive.removed);
    }
  };
  expect_recovered();
  ASSERT_THAT(prune_archive(store_, "x", 2), IsOk());
  expect_recovered();
  ASSERT_THAT(grow_archive(store_, "x", 4), IsOk());
  ASSERT_THAT(prune_archive(store_, "x", 1), IsOk());
  expect_recovered();
  ASSERT_THAT(remove_archive(store_, "x"), IsOk());
  expect_recovered();
  ASSERT_THAT(grow_archive(store_, "x", 5), IsOk());
  ASSERT_THAT(remove_archive(store_, "y"), IsOk());
  expect_recovered();
}

TEST_F(ArchiveChangesTest, DamageIsNeitherHiddenNorCopied) {
  ASSERT_OK_AND_ASSIGN(removed, remove_archive(store_, "x"));
  point_to("y", "nonsense");
  const std::string lost = std::string(64, 'a') + "\n";  // the id of no record
  point_to("lost", lost);
  EXPECT_THAT(archives(), ElementsAre("lost", "y"));
  EXPECT_THAT(remove_archive(store_, "y"), FailsWith(ErrorCode::kCorrupt, "/archives/y"));
  EXPECT_THAT(prune_archive(store_, "lost", 1), FailsWith(ErrorCode::kCorrupt));
  // What nobody can read any more can be removed.
  ASSERT_THAT(remove_archive(store_, "lost"), IsOk());
  EXPECT_THAT(archives(), ElementsAre("y"));
}

TEST_F(ArchiveChangesTest, PruningIsTheWayOutWhereAnOlderRecordIsLost) {
  const ArchiveRecord second = store_.snapshot().record("x", 1, context_).value();
  const std::string pack = store_.snapshot().pack_name(store_.snapshot().find(second.id)->pack);
  const ArchiveRecord newest = store_.snapshot().record("x", 0, context_).value();
  ASSERT_THAT(grow_archive(store_, "x", 4), IsOk());
  for (const char* suffix : {".pack", ".idx", ".gitidx"}) {
    ASSERT_THAT(files_.remove_file("/store/packs/" + pack + suffix), IsOk());
  }
  store_ = std::move(Store::open("/store", &files_)).value();
  const auto refused = collect_store(store_, {});
  ASSERT_THAT(refused, FailsWithHint(ErrorCode::kCorrupt, HintKind::kRepairOrPrune));
  EXPECT_EQ(refused.error().hint.archive, "x");
  EXPECT_EQ(refused.error().hint.keep, 2u);
  // What is to be kept must be there.
  EXPECT_THAT(prune_archive(store_, "x", 3),
              FailsWithHint(ErrorCode::kCorrupt, HintKind::kRepairOrPrune));
  ASSERT_OK_AND_ASSIGN(pruned, prune_archive(store_, "x", 2));
  EXPECT_EQ(pruned.records_kept, 2u);
  EXPECT_EQ(pruned.records_dropped, 0u);
  EXPECT_TRUE(pruned.older_unreadable);
  EXPECT_TRUE(pruned.changed());
  EXPECT_THAT(times("x"), ElementsAre(4, 3));
  ASSERT_THAT(collect_store(store_, {}), IsOk());
  EXPECT_FALSE(store_.snapshot().find(newest.id)) << "the copy replaced it";
  EXPECT_THAT(times("x"), ElementsAre(4, 3));
  EXPECT_THAT(times("y"), ElementsAre(1));
  ASSERT_OK_AND_ASSIGN(report, verify_store(store_, {}));
  EXPECT_TRUE(report.ok());
  ASSERT_OK_AND_ASSIGN(nothing, prune_archive(store_, "x", 2));
  EXPECT_FALSE(nothing.changed());
}

TEST_F(ArchiveChangesTest, PruningCountsWhatCanBeReadOfWhatItDrops) {
  const ObjectId oldest = store_.snapshot().record("x", 2, context_).value().id;
  const std::string pack = store_.snapshot().pack_name(store_.snapshot().find(oldest)->pack);
  ASSERT_THAT(files_.remove_file("/store/packs/" + pack + ".pack"), IsOk());
  ASSERT_THAT(files_.remove_file("/store/packs/" + pack + ".idx"), IsOk());
  store_ = std::move(Store::open("/store", &files_)).value();
  ASSERT_OK_AND_ASSIGN(pruned, prune_archive(store_, "x", 1));
  EXPECT_EQ(pruned.records_dropped, 1u);
  EXPECT_TRUE(pruned.older_unreadable);
  EXPECT_THAT(times("x"), ElementsAre(3));
}

TEST_F(ArchiveChangesTest, ARecordOfALaterVersionIsNotCopiedWithoutWhatItHolds) {
  const std::string old = store_.snapshot().newest_record("x").value()->to_hex();
  const std::string payload = R"({"archive":"x","kind":"git","later":1,"previous":")" + old +
                              R"(","time":"1970-01-01T00:00:09Z"})";
  const ObjectId id = record_id(as_bytes(payload));
  const std::string path = store_.path() + "/packs/" + std::string(64, '0') + ".pack";
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::create(path, {.work = {.file_system = &files_}}));
  ASSERT_THAT(builder.add(id, ObjectType::kAction, as_bytes(payload)), IsOk());
  ASSERT_THAT(builder.finish(), IsOk());
  point_to("x", id.to_hex() + "\n");
  EXPECT_THAT(prune_archive(store_, "x", 1), FailsWith(ErrorCode::kUnsupported, id.to_hex()));
  EXPECT_THAT(times("x"), ElementsAre(9, 3, 2, 1));
  ASSERT_OK_AND_ASSIGN(left, files_.list("/store/staging"));
  EXPECT_THAT(left, IsEmpty());
}

TEST_F(ArchiveChangesTest, BothWaitForAnImportAndForMaintenance) {
  const std::atomic<bool> cancelled = true;
  const ArchiveChangeOptions impatient{.work = {.operation = {.cancel = &cancelled}}};
  const auto expect_waiting = [&] {
    EXPECT_THAT(remove_archive(store_, "x", impatient),
                FailsWith(ErrorCode::kInterrupted, "waiting for"));
    EXPECT_THAT(prune_archive(store_, "x", 1, impatient),
                FailsWith(ErrorCode::kInterrupted, "waiting for"));
  };
  {
    ASSERT_OK_AND_ASSIGN(importing, lock_for_import(store_, "x", {}));
    expect_waiting();
  }
  {
    ASSERT_OK_AND_ASSIGN(collecting, files_.try_lock("/store/lock", LockMode::kExclusive));
    expect_waiting();
  }
  EXPECT_THAT(times("x"), ElementsAre(3, 2, 1));
}

TEST_F(ArchiveChangesTest, TheSmallestMemoryIsEnoughAndLessIsRefused) {
  const std::uint64_t smallest = smallest_archive_change_memory_bytes();
  EXPECT_THAT(prune_archive(store_, "x", 2, {.work = {.memory_bytes = smallest - 1}}),
              FailsWith(ErrorCode::kInvalidArgument, memory_size(smallest)));
  EXPECT_THAT(remove_archive(store_, "x", {.work = {.memory_bytes = 0}}),
              FailsWith(ErrorCode::kInvalidArgument, memory_size(smallest)));
  EXPECT_THAT(prune_archive(store_, "x", 2, {.work = {.memory_bytes = smallest}}), IsOk());
  EXPECT_THAT(remove_archive(store_, "x", {.work = {.memory_bytes = smallest}}), IsOk());
}

}  // namespace
}  // namespace bale
