// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "bale/snapshot.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "bale/archive_changes.h"
#include "bale/store.h"
#include "bale/store_collect.h"
#include "bale/store_repack.h"
#include "bale/store_verifier.h"
#include "hash/git_hash.h"
#include "testing/archive_fixture.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"

namespace bale {
namespace {

// An archive x with three records, at 1, 2 and 3, and an archive y with one.
class SnapshotTest : public TwoArchivesTest {
 protected:
  // Another process.
  Store other() { return std::move(Store::open("/store", &files_)).value(); }

  static GitOid blob(const std::string& name, int time) {
    const std::string payload = name + " at " + std::to_string(time);
    return git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes(payload));
  }

  static std::vector<std::int64_t> times_in(const Snapshot& snapshot, const std::string& name) {
    const Result<std::vector<std::int64_t>> times = record_times(snapshot, name);
    return times ? *times : std::vector<std::int64_t>{-1};
  }
};

using Times = std::vector<std::int64_t>;

TEST_F(SnapshotTest, DoesNotChangeWhatEverIsImported) {
  const Snapshot before = store_.snapshot();
  ASSERT_THAT(grow_archive(store_, "x", 4), IsOk());
  ASSERT_THAT(grow_archive(store_, "z", 1), IsOk());
  const Snapshot after = store_.snapshot();
  EXPECT_FALSE(before.find(blob("x", 4)));
  EXPECT_TRUE(after.find(blob("x", 4)));
  EXPECT_EQ(before.pack_count() + 2, after.pack_count());
  EXPECT_EQ(times_in(before, "x"), (Times{3, 2, 1}));
  EXPECT_EQ(times_in(after, "x"), (Times{4, 3, 2, 1}));
  ASSERT_OK_AND_ASSIGN(newest, before.record("x", 0, context_));
  EXPECT_EQ(newest.record.time, 3);
  EXPECT_THAT(before.record("z", 0, context_), FailsWith(ErrorCode::kNotFound));
  EXPECT_EQ(*before.archives(), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(*after.archives(), (std::vector<std::string>{"x", "y", "z"}));
}

TEST_F(SnapshotTest, AnArchiveIsAsItWasBeforeItWasRemovedOrPruned) {
  const Snapshot before = store_.snapshot();
  Store changing = other();
  ASSERT_THAT(prune_archive(changing, "x", 1, {.work = {.sync = false}}), IsOk());
  ASSERT_THAT(remove_archive(changing, "y", {.work = {.sync = false}}), IsOk());
  const Snapshot after = changing.snapshot();
  EXPECT_EQ(times_in(before, "x"), (Times{3, 2, 1}));
  EXPECT_EQ(times_in(before, "y"), (Times{1}));
  EXPECT_EQ(times_in(after, "x"), (Times{3}));
  EXPECT_EQ(times_in(after, "y"), (Times{}));
  ASSERT_THAT(undo_archive_change(changing, "y", {.work = {.sync = false}}), IsOk());
  EXPECT_EQ(times_in(after, "y"), (Times{}));
  EXPECT_EQ(times_in(changing.snapshot(), "y"), (Times{1}));
}

TEST_F(SnapshotTest, AnArchiveIsAsItWasBeforeItWasChangedSeveralTimes) {
  const ArchiveChangeOptions options{.work = {.sync = false}};
  const Snapshot before = store_.snapshot();
  Store changing = other();
  for (const std::string name : {"x", "y"}) {
    ASSERT_THAT(remove_archive(changing, name, options), IsOk());
    ASSERT_THAT(undo_archive_change(changing, name, options), IsOk());
  }
  EXPECT_EQ(times_in(before, "x"), (Times{3, 2, 1}));
  EXPECT_EQ(times_in(before, "y"), (Times{1}));
  const Snapshot between = changing.snapshot();
  ASSERT_THAT(prune_archive(changing, "x", 2, options), IsOk());
  ASSERT_THAT(grow_archive(changing, "x", 4), IsOk());
  ASSERT_THAT(prune_archive(changing, "x", 2, options), IsOk());
  EXPECT_EQ(times_in(before, "x"), (Times{3, 2, 1}));
  EXPECT_EQ(times_in(between, "x"), (Times{3, 2, 1}));
  EXPECT_EQ(times_in(changing.snapshot(), "x"), (Times{4, 3}));
}

TEST_F(SnapshotTest, OthersDoNotChangeWhatAStoreGives) {
  Store writer = other();
  ASSERT_THAT(grow_archive(writer, "z", 1), IsOk());
  const std::uint32_t packs = store_.snapshot().pack_count();
  const Store& reader = store_;
  ASSERT_OK_AND_ASSIGN(report, verify_store(reader, {}));
  EXPECT_EQ(report.packs, packs + 1);
  EXPECT_EQ(reader.snapshot().pack_count(), packs);
  ASSERT_OK_AND_ASSIGN(fresh, reader.fresh_snapshot());
  EXPECT_EQ(fresh.pack_count(), packs + 1);
  EXPECT_EQ(reader.snapshot().pack_count(), packs);
  EXPECT_THAT(reader.snapshot().record("z", 0, context_), FailsWith(ErrorCode::kNotFound));
  EXPECT_EQ(reader.snapshot().pack_count(), packs);
  ASSERT_THAT(store_.refresh(), IsOk());
  EXPECT_EQ(reader.snapshot().pack_count(), packs + 1);
}

TEST_F(SnapshotTest, ReadsWhatMaintenanceHasMoved) {
  const Snapshot before = store_.snapshot();
  Store writer = other();
  ASSERT_THAT(repack_store(writer, {.work = {.sync = false}}), IsOk());
  ASSERT_THAT(collect_store(writer, {.work = {.sync = false}}), IsOk());
  EXPECT_EQ(times_in(before, "x"), (Times{3, 2, 1}));
}

TEST_F(SnapshotTest, OutlivesItsStore) {
  std::optional<Snapshot> snapshot;
  {
    const Store store = other();
    snapshot = store.snapshot();
  }
  EXPECT_EQ(times_in(*snapshot, "x"), (Times{3, 2, 1}));
}

TEST_F(SnapshotTest, GetsAnObjectByItsId) {
  const Snapshot snapshot = store_.snapshot();
  ASSERT_OK_AND_ASSIGN(view, snapshot.get(blob("y", 1), context_));
  EXPECT_EQ(as_text(view.payload), "y at 1");
  EXPECT_THAT(snapshot.get(blob("y", 2), context_), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(snapshot.get(LookupId(), context_), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(SnapshotTest, RecordsComeNewestFirstFromAnyOfThem) {
  for (std::uint64_t back = 0; back < 3; ++back) {
    ASSERT_OK_AND_ASSIGN(records, store_.snapshot().records("x", back, context_));
    EXPECT_EQ(records.total().records, 3 - back);
    for (auto time = static_cast<std::int64_t>(3 - back); time > 0; --time) {
      ASSERT_OK_AND_ASSIGN(entry, records.next());
      ASSERT_TRUE(entry);
      EXPECT_EQ(entry->record.time, time);
    }
    ASSERT_OK_AND_ASSIGN(end, records.next());
    EXPECT_FALSE(end);
    EXPECT_EQ(records.total().records, 3 - back);
  }
  EXPECT_THAT(store_.snapshot().records("x", 3, context_), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(store_.snapshot().records("z", 0, context_), FailsWith(ErrorCode::kNotFound));
}

TEST_F(SnapshotTest, ARecordThatIsLostIsNamed) {
  const Snapshot whole = store_.snapshot();
  ASSERT_OK_AND_ASSIGN(lost, whole.record("x", 1, context_));
  const std::string pack = whole.pack_name(whole.find(lost.id)->pack);
  for (const std::string suffix : {".pack", ".idx", ".gitidx"}) {
    ASSERT_THAT(files_.remove_file("/store/packs/" + pack + suffix), IsOk());
  }
  ASSERT_THAT(store_.refresh(), IsOk());
  ASSERT_OK_AND_ASSIGN(records, store_.snapshot().records("x", 0, context_));
  EXPECT_EQ(records.total().records, 1u);
  ASSERT_TRUE(records.total().error);
  EXPECT_TRUE(records.total().error->message.starts_with("x@1: "));
  EXPECT_THAT(records.next(), IsOk());
  const auto next = records.next();
  ASSERT_THAT(next, FailsWith(ErrorCode::kCorrupt));
  EXPECT_EQ(next.error().message, records.total().error->message);
  ASSERT_OK_AND_ASSIGN(after, records.next());
  EXPECT_FALSE(after);
}

}  // namespace
}  // namespace bale
