// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Walking over records, also over such as no store can hold: that they name each other by hash
// keeps circles out, and a reader does not rely on it.

#include "store/core/record_chain.h"

#include <map>
#include <string>
#include <vector>

#include "bale/archive_changes.h"
#include "base/error.h"
#include "base/try.h"
#include "hash/blake3.h"
#include "testing/archive_fixture.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"

namespace bale {
namespace {

using testing::ElementsAre;

ObjectId id_of(int number) {
  const std::string text = std::to_string(number);
  return content_hash(ObjectType::kBlob, as_bytes(text));
}

class RecordChainTest : public testing::Test {
 protected:
  // A record of the time `number`.
  void add(int number, std::optional<int> previous, RecordKind kind = RecordKind::kGit) {
    Record record{.archive = "x", .kind = kind, .time = number};
    if (previous) record.previous = id_of(*previous);
    records_[id_of(number)] = record;
  }

  Result<std::vector<std::int64_t>> walk(std::optional<ObjectId> from) {
    RecordChain chain(from, [this](const ObjectId& id) -> Result<ArchiveRecord> {
      const auto found = records_.find(id);
      if (found == records_.end()) return fail(ErrorCode::kCorrupt, "lost");
      return ArchiveRecord{id, found->second};
    });
    std::vector<std::int64_t> times;
    for (;;) {
      const Result<std::optional<ArchiveRecord>> entry = chain.next();
      if (!entry) {
        EXPECT_FALSE(chain.next().value().has_value());  // the end, after an error too
        return entry.error();
      }
      if (!*entry) {
        removal_ = chain.removal();
        return times;
      }
      times.push_back((*entry)->record.time);
    }
  }

  std::map<ObjectId, Record> records_;
  std::optional<ObjectId> removal_;  // what the last walk ended before
};

TEST_F(RecordChainTest, GoesFromTheNewestToTheOldest) {
  for (int i = 0; i < 100; ++i) add(i, i == 0 ? std::nullopt : std::optional(i - 1));
  ASSERT_OK_AND_ASSIGN(times, walk(id_of(99)));
  ASSERT_EQ(times.size(), 100u);
  EXPECT_EQ(times.front(), 99);
  EXPECT_EQ(times.back(), 0);
  ASSERT_OK_AND_ASSIGN(none, walk(std::nullopt));
  EXPECT_TRUE(none.empty());
}

TEST_F(RecordChainTest, EndsBeforeARemoval) {
  add(1, std::nullopt);
  add(2, 1, RecordKind::kRemoved);
  add(3, 2);
  ASSERT_OK_AND_ASSIGN(again, walk(id_of(3)));
  EXPECT_THAT(again, ElementsAre(3));
  EXPECT_EQ(removal_, id_of(2));
  ASSERT_OK_AND_ASSIGN(removed, walk(id_of(2)));
  EXPECT_TRUE(removed.empty());
  EXPECT_EQ(removal_, id_of(2));
  ASSERT_OK_AND_ASSIGN(before, walk(id_of(1)));
  EXPECT_THAT(before, ElementsAre(1));
  EXPECT_FALSE(removal_.has_value());
}

TEST_F(RecordChainTest, AnUnreadableRecordEndsItWithAnError) {
  add(2, 1);
  EXPECT_THAT(walk(id_of(2)), FailsWith(ErrorCode::kCorrupt, "lost"));
}

TEST_F(RecordChainTest, ACircleOfAnyLengthIsFound) {
  for (int tail = 0; tail < 6; ++tail) {
    for (int circle = 1; circle < 20; ++circle) {
      records_.clear();
      for (int i = 0; i < tail + circle; ++i) add(i, i == 0 ? circle - 1 : i - 1);
      EXPECT_THAT(walk(id_of(tail + circle - 1)), FailsWith(ErrorCode::kCorrupt, "circle"));
    }
  }
}

// Records of an older version do not say how many there are.
TEST(RecordCountTest, IsWhatTheNewestRecordSaysOrWhatAWalkSays) {
  MemoryFileSystem files;
  ASSERT_THAT(Store::init("/store", &files), IsOk());
  ASSERT_OK_AND_ASSIGN(store, Store::open("/store", &files));
  for (const std::int64_t time : {1, 2, 3}) ASSERT_THAT(grow_archive(store, "x", time), IsOk());
  ReadContext context;
  ASSERT_OK_AND_ASSIGN(newest, store.snapshot().record("x", 0, context));
  EXPECT_EQ(newest.record.number, 0u);
  EXPECT_EQ(count_records(store, newest, context).records, 3u);
  newest.record.number = 7;
  newest.record.previous = id_of(1);
  EXPECT_EQ(count_records(store, newest, context).records, 7u);
  newest.record.number = 0;
  const RecordCount lost = count_records(store, newest, context);
  EXPECT_EQ(lost.records, 1u);
  EXPECT_TRUE(lost.error.has_value());
  // Pruning counts them again.
  ASSERT_THAT(prune_archive(store, "x", 2), IsOk());
  ASSERT_OK_AND_ASSIGN(pruned, store.snapshot().record("x", 0, context));
  EXPECT_EQ(pruned.record.number, 2u);
  EXPECT_EQ(store.snapshot().record("x", 1, context)->record.number, 1u);
}

TEST(RecordErrorTest, OnlyWhatIsLostIsGivenUp) {
  const Error lost = record_error("x", 0, fail(ErrorCode::kCorrupt, "it is lost"));
  EXPECT_EQ(lost.hint.kind, HintKind::kRepairOrRemove);
  EXPECT_EQ(lost.hint.archive, "x");
  for (const ErrorCode code : {ErrorCode::kIo, ErrorCode::kLimitExceeded}) {
    for (const std::uint64_t back : {0U, 3U}) {
      const Error unread = record_error("x", back, fail(code, "why"));
      EXPECT_EQ(unread.message, back == 0 ? "x: why" : "x@3: why");
    }
  }
}

}  // namespace
}  // namespace bale
