// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Which record is the newest, told from records in any order.

#include "store/core/archive_recovery.h"

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "hash/blake3.h"
#include "testing/matchers.h"

namespace bale {
namespace {

// Records that are made one after the other, with the ids that a store would give them.
class ArchiveRecoveryTest : public testing::Test {
 protected:
  ObjectId add(const Record& record) {
    const ObjectId id = record_id(as_bytes(encode_record(record).value()));
    records_.emplace_back(id, record);
    return id;
  }

  ObjectId import(std::int64_t time, std::optional<ObjectId> previous = std::nullopt,
                  const std::string& name = "x") {
    return add({.archive = name, .time = time, .previous = previous});
  }

  ObjectId remove(std::int64_t time, const ObjectId& previous) {
    return add({.archive = "x", .kind = RecordKind::kRemoved, .time = time, .previous = previous});
  }

  void lose(const ObjectId& id) {
    std::erase_if(records_, [&](const auto& record) { return record.first == id; });
  }

  // The same for every order, and where some records are found twice.
  std::vector<RecoveredArchive> recover() {
    std::vector<RecoveredArchive> first;
    for (int round = 0; round < 50; ++round) {
      ArchiveRecovery recovery;
      for (const auto& [id, record] : records_) {
        recovery.add(id, record);
        if (random_() % 3 == 0) recovery.add(id, record);
      }
      std::vector<RecoveredArchive> archives = recovery.archives();
      if (round == 0) first = archives;
      EXPECT_EQ(archives, first);
      std::shuffle(records_.begin(), records_.end(), random_);
    }
    return first;
  }

  void expect_newest(const ObjectId& id, bool removed = false) {
    const std::vector<RecoveredArchive> archives = recover();
    ASSERT_EQ(archives.size(), 1u);
    EXPECT_EQ(archives[0].name, "x");
    EXPECT_EQ(archives[0].record, id);
    EXPECT_EQ(archives[0].removed, removed);
  }

  std::vector<std::pair<ObjectId, Record>> records_;
  std::mt19937_64 random_{1};
};

TEST_F(ArchiveRecoveryTest, OfNoRecordsThereIsNoArchive) {
  EXPECT_TRUE(recover().empty());
}

TEST_F(ArchiveRecoveryTest, TheEndOfAChainIsTheNewestWhateverTheClockSaid) {
  const ObjectId first = import(100);
  const ObjectId second = import(50, first);
  const ObjectId third = import(70, second);
  expect_newest(third);
}

TEST_F(ArchiveRecoveryTest, WhatPruningReplacedIsNotTheNewest) {
  const ObjectId first = import(1);
  const ObjectId second = import(2, first);
  const ObjectId third = import(3, second);
  const ObjectId copy2 = add({.archive = "x", .time = 2, .replaces = second});
  const ObjectId copy3 = add({.archive = "x", .time = 3, .previous = copy2, .replaces = third});
  expect_newest(copy3);
  // Also when some of what was replaced is collected, and when all is.
  lose(third);
  expect_newest(copy3);
  lose(second);
  lose(first);
  expect_newest(copy3);
  expect_newest(import(4, copy3));
}

TEST_F(ArchiveRecoveryTest, WhatWasRemovedStaysRemovedUntilItIsImportedAgain) {
  const ObjectId first = import(1);
  const ObjectId removal = remove(5, first);
  expect_newest(removal, true);
  lose(first);
  expect_newest(removal, true);
  expect_newest(import(4, removal));  // the clock was set back
}

TEST_F(ArchiveRecoveryTest, OfSeveralEndsTheLatestCounts) {
  // Two writers died between pack and pointer; a third went on from the same record.
  const ObjectId first = import(1);
  import(2, first);
  remove(3, first);
  expect_newest(import(4, first));
}

TEST_F(ArchiveRecoveryTest, InOneSecondARemovalComesFirstAndThenTheGreaterId) {
  const ObjectId first = import(1);
  std::vector<ObjectId> ends;
  for (int i = 0; i < 5; ++i) {
    ends.push_back(add(
        {.archive = "x", .time = 9, .objects = static_cast<std::uint64_t>(i), .previous = first}));
  }
  expect_newest(*std::max_element(ends.begin(), ends.end()));
  expect_newest(remove(9, first), true);
}

TEST_F(ArchiveRecoveryTest, ArchivesDoNotMeddleWithEachOther) {
  const ObjectId x = import(1, std::nullopt, "x");
  const ObjectId y = import(2, x, "y");  // a copy of the pointer, made by hand, then an import
  const std::vector<RecoveredArchive> archives = recover();
  ASSERT_EQ(archives.size(), 2u);
  EXPECT_EQ(archives[0], (RecoveredArchive{.name = "x", .record = x, .time = 1}));
  EXPECT_EQ(archives[1], (RecoveredArchive{.name = "y", .record = y, .time = 2}));
}

TEST_F(ArchiveRecoveryTest, WhereRecordsNameEachOtherInACircleTheLatestCounts) {
  // No such hashes are known: made up.
  const ObjectId a = content_hash(ObjectType::kBlob, as_bytes(std::string("a")));
  const ObjectId b = content_hash(ObjectType::kBlob, as_bytes(std::string("b")));
  records_ = {{a, {.archive = "x", .time = 1, .previous = b}},
              {b, {.archive = "x", .time = 2, .previous = a, .replaces = b}}};
  expect_newest(b);
}

// Against the plain way: whatever a history of imports, removals and prunings did, its end is
// found.
TEST_F(ArchiveRecoveryTest, AnyHistoryEndsWhereItEnded) {
  for (int history = 0; history < 30; ++history) {
    records_.clear();
    std::vector<ObjectId> chain = {import(1)};  // oldest first, to the last removal
    for (std::int64_t step = 0; step < 20; ++step) {
      const ObjectId newest = chain.back();
      const auto entry = std::find_if(records_.begin(), records_.end(),
                                      [&](const auto& record) { return record.first == newest; });
      const bool removed = entry->second.kind == RecordKind::kRemoved;
      const std::int64_t time = entry->second.time;
      if (removed || random_() % 2 == 0) {
        chain.push_back(import(time + static_cast<std::int64_t>(random_() % 2), newest));
      } else if (random_() % 2 == 0) {
        chain = {remove(time, newest)};
      } else {
        Record copy = entry->second;
        copy.previous = std::nullopt;
        copy.replaces = newest;
        chain = {add(copy)};
      }
    }
    const ObjectId end = chain.back();
    const auto entry = std::find_if(records_.begin(), records_.end(),
                                    [&](const auto& record) { return record.first == end; });
    expect_newest(end, entry->second.kind == RecordKind::kRemoved);
  }
}

}  // namespace
}  // namespace bale
