// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Undoing removals and prunings, on a file system where all goes well;
// archive_changes_faults_test.cc has the others.

#include <string>
#include <utility>
#include <vector>

#include "bale/archive_changes.h"
#include "bale/store_collect.h"
#include "bale/store_repair.h"
#include "bale/store_verifier.h"
#include "base/memory_size.h"
#include "testing/archive_fixture.h"
#include "testing/matchers.h"
#include "testing/pack_fixture.h"
#include "testing/small_archives.h"
#include "testing/small_history.h"

namespace bale {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ArchiveUndoTest : public TwoArchivesTest {
 protected:
  void TearDown() override {
    ASSERT_OK_AND_ASSIGN(left, files_.list("/store/staging"));
    EXPECT_THAT(left, IsEmpty());
  }

  Result<UndoneChange> undo() { return undo_archive_change(store_, "x"); }

  Result<CollectSummary> collect() {
    return collect_store(store_, {.work = {.memory_bytes = smallest_collect_memory_bytes()}});
  }

  // The archive is whole, now, without its pointers, and after a collection.
  void expect_kept(const std::vector<std::int64_t>& expected) {
    EXPECT_EQ(times(), expected);
    for (int round = 0; round < 2; ++round) {
      ASSERT_OK_AND_ASSIGN(pointers, names_in(files_, "/store/archives"));
      for (const std::string& name : pointers) {
        ASSERT_THAT(files_.remove_file("/store/archives/" + name), IsOk());
      }
      ASSERT_THAT(files_.remove_directory("/store/archives"), IsOk());
      ASSERT_THAT(repair_store("/store", {.work = {.memory_bytes = smallest_repair_memory_bytes(),
                                                   .file_system = &files_}}),
                  IsOk());
      store_ = std::move(Store::open("/store", &files_)).value();
      EXPECT_EQ(times(), expected) << "after repair, " << round;
      EXPECT_THAT(times("y"), ElementsAre(1));
      ASSERT_THAT(collect(), IsOk());
      EXPECT_EQ(times(), expected) << "after gc, " << round;
    }
    ASSERT_OK_AND_ASSIGN(report, verify_store(store_, {}));
    EXPECT_TRUE(report.ok());
  }
};

TEST_F(ArchiveUndoTest, ARemovedArchiveIsThereAgainWithAllItsRecords) {
  const ObjectId before = store_.snapshot().record("x", 0, context_).value().id;
  const ObjectId second = store_.snapshot().record("x", 1, context_).value().id;
  ASSERT_OK_AND_ASSIGN(removed, remove_archive(store_, "x"));
  ASSERT_OK_AND_ASSIGN(undone, undo());
  EXPECT_TRUE(undone.removal);
  EXPECT_EQ(undone.records, 3u);
  EXPECT_EQ(undone.records_back, 3u);
  ASSERT_OK_AND_ASSIGN(newest, store_.snapshot().record("x", 0, context_));
  EXPECT_EQ(newest.id, undone.record);
  EXPECT_EQ(newest.record.replaces, removed.record);
  ASSERT_OK_AND_ASSIGN(old, store_.snapshot().record(before, context_));
  EXPECT_EQ(newest.record.refs, old.record.refs);
  EXPECT_EQ(store_.snapshot().record("x", 1, context_).value().id, second);
  expect_kept({3, 2, 1});
}

TEST_F(ArchiveUndoTest, APrunedArchiveHasItsOlderRecordsAgain) {
  ASSERT_OK_AND_ASSIGN(pruned, prune_archive(store_, "x", 2));
  EXPECT_THAT(times(), ElementsAre(3, 2));
  ASSERT_OK_AND_ASSIGN(undone, undo());
  EXPECT_FALSE(undone.removal);
  EXPECT_EQ(undone.records, 3u);
  EXPECT_EQ(undone.records_back, 1u);
  EXPECT_EQ(store_.snapshot().record("x", 0, context_).value().record.replaces, pruned.record);
  expect_kept({3, 2, 1});
}

TEST_F(ArchiveUndoTest, ImportsThatCameAfterAPruningStayOnTop) {
  ASSERT_THAT(prune_archive(store_, "x", 1), IsOk());
  for (const std::int64_t time : {4, 5}) ASSERT_THAT(grow_archive(store_, "x", time), IsOk());
  EXPECT_THAT(times(), ElementsAre(5, 4, 3));
  ASSERT_OK_AND_ASSIGN(undone, undo());
  EXPECT_EQ(undone.records, 5u);
  EXPECT_EQ(undone.records_back, 2u);
  expect_kept({5, 4, 3, 2, 1});
}

TEST_F(ArchiveUndoTest, ImportsThatCameAfterARemovalStayOnTop) {
  ASSERT_THAT(remove_archive(store_, "x"), IsOk());
  for (const std::int64_t time : {4, 5}) ASSERT_THAT(grow_archive(store_, "x", time), IsOk());
  EXPECT_THAT(times(), ElementsAre(5, 4));
  ASSERT_OK_AND_ASSIGN(undone, undo());
  EXPECT_TRUE(undone.removal);
  EXPECT_EQ(undone.records_back, 3u);
  expect_kept({5, 4, 3, 2, 1});
}

TEST_F(ArchiveUndoTest, EachCallUndoesTheChangeBefore) {
  ASSERT_THAT(prune_archive(store_, "x", 2), IsOk());
  ASSERT_THAT(prune_archive(store_, "x", 1), IsOk());
  ASSERT_THAT(remove_archive(store_, "x"), IsOk());
  ASSERT_THAT(grow_archive(store_, "x", 4), IsOk());
  ASSERT_THAT(remove_archive(store_, "x"), IsOk());
  const std::vector<std::vector<std::int64_t>> steps = {{4}, {4, 3}, {4, 3, 2}, {4, 3, 2, 1}};
  for (const std::vector<std::int64_t>& step : steps) {
    ASSERT_THAT(undo(), IsOk());
    EXPECT_EQ(times(), step);
  }
  EXPECT_THAT(undo(), FailsWith(ErrorCode::kNotFound, "nothing to undo"));
  expect_kept({4, 3, 2, 1});
}

TEST_F(ArchiveUndoTest, AnUndoneChangeCanBeMadeAndUndoneAgain) {
  for (int round = 0; round < 3; ++round) {
    ASSERT_THAT(remove_archive(store_, "x"), IsOk());
    ASSERT_THAT(undo(), IsOk());
    ASSERT_THAT(prune_archive(store_, "x", 1), IsOk());
    ASSERT_THAT(undo(), IsOk());
    EXPECT_THAT(times(), ElementsAre(3, 2, 1));
  }
  expect_kept({3, 2, 1});
}

TEST_F(ArchiveUndoTest, WhatGcHasRemovedCannotBeBroughtBackAndNothingIsWritten) {
  for (const bool removal : {false, true}) {
    SCOPED_TRACE(removal);
    if (removal) {
      ASSERT_THAT(remove_archive(store_, "x"), IsOk());
    } else {
      ASSERT_THAT(prune_archive(store_, "x", 1), IsOk());
    }
    ASSERT_THAT(collect(), IsOk());
    ASSERT_OK_AND_ASSIGN(before, digest_of_tree(files_, "/store"));
    EXPECT_THAT(undo(), FailsWithHint(ErrorCode::kNotFound, HintKind::kRemoved));
    ASSERT_OK_AND_ASSIGN(after, digest_of_tree(files_, "/store"));
    EXPECT_EQ(after, before);
  }
}

// A collection that died while it removed packs.
TEST_F(ArchiveUndoTest, WhatIsReachedMustBeThereAndNotTheRecordsAlone) {
  ASSERT_THAT(import_small(store_, "z", 1), IsOk());
  ASSERT_THAT(import_small(store_, "z", 3), IsOk());
  ASSERT_THAT(prune_archive(store_, "z", 1), IsOk());
  ASSERT_THAT(remove_archive(store_, "z"), IsOk());
  const GitOid oldest = small_history("z", 1).objects.front().oid;
  const std::string first = store_.snapshot().pack_name(store_.snapshot().find(oldest)->pack);
  for (const std::string suffix : {".pack", ".idx", ".gitidx"}) {
    ASSERT_THAT(files_.remove_file("/store/packs/" + first + suffix), IsOk());
  }
  store_ = std::move(Store::open("/store", &files_)).value();
  EXPECT_THAT(undo_archive_change(store_, "z"), FailsWith(ErrorCode::kNotFound, "needs it"));
  ASSERT_OK_AND_ASSIGN(archives, store_.snapshot().archives());
  EXPECT_THAT(archives, ElementsAre("x", "y"));
}

TEST_F(ArchiveUndoTest, WhereNothingWasReleasedNothingIsUndone) {
  const auto before = digest_of_tree(files_, "/store");
  EXPECT_THAT(undo_archive_change(store_, "none"), FailsWith(ErrorCode::kNotFound, "no archive"));
  EXPECT_EQ(*digest_of_tree(files_, "/store"), *before);
  EXPECT_THAT(undo(), FailsWith(ErrorCode::kNotFound, "nothing to undo"));
  EXPECT_THAT(undo_archive_change(store_, "../x"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(undo_archive_change(store_, "x",
                                  {.work = {.memory_bytes = smallest_undo_memory_bytes() - 1}}),
              FailsWith(ErrorCode::kInvalidArgument, memory_size(smallest_undo_memory_bytes())));
  ASSERT_THAT(remove_archive(store_, "x"), IsOk());
  ASSERT_THAT(
      undo_archive_change(store_, "x", {.work = {.memory_bytes = smallest_undo_memory_bytes()}}),
      IsOk());
}

TEST_F(ArchiveUndoTest, ARemovedArchiveWhoseNameIsTakenStaysRemoved) {
  ASSERT_THAT(remove_archive(store_, "x"), IsOk());
  ASSERT_THAT(grow_archive(store_, "x/y", 1), IsOk());
  EXPECT_THAT(undo(), FailsWith(ErrorCode::kInvalidArgument, "beside the archive x/y"));
  ASSERT_THAT(remove_archive(store_, "x/y"), IsOk());
  ASSERT_THAT(undo(), IsOk());
  EXPECT_THAT(undo_archive_change(store_, "x/y"),
              FailsWith(ErrorCode::kInvalidArgument, "beside the archive x"));
}

TEST_F(ArchiveUndoTest, APredictionSaysWhatPruningDoesAndWritesNothing) {
  ASSERT_OK_AND_ASSIGN(before, digest_of_tree(files_, "/store"));
  ASSERT_OK_AND_ASSIGN(predicted, predict_prune(store_, "x", 2));
  EXPECT_EQ(predicted.records_kept, 2u);
  EXPECT_EQ(predicted.records_dropped, 1u);
  EXPECT_EQ(predicted.record, store_.snapshot().record("x", 0, context_).value().id);
  EXPECT_TRUE(predicted.pack.empty());
  EXPECT_THAT(predict_prune(store_, "none", 1), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(predict_prune(store_, "x", 0), FailsWith(ErrorCode::kInvalidArgument));
  ASSERT_OK_AND_ASSIGN(after, digest_of_tree(files_, "/store"));
  EXPECT_EQ(after, before);
  ASSERT_OK_AND_ASSIGN(pruned, prune_archive(store_, "x", 2));
  EXPECT_EQ(pruned.records_dropped, predicted.records_dropped);
}

}  // namespace
}  // namespace bale
