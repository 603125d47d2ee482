// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "scratch/external_sorter.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <vector>

#include "base/endian.h"
#include "base/lanes.h"
#include "base/try.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/test_bytes.h"

namespace bale {
namespace {

using Sorter = ExternalSorter<16>;
using Record = Sorter::Record;

// Records a run, and runs merged at once, with the least memory and no lanes: a sixteenth of the
// memory holds the output.
constexpr std::size_t kRunRecords = kMinSorterBytes / 16;
constexpr std::size_t kFanIn = (kMinSorterBytes - kMinSorterBytes / 16) / kMinMergeBlockBytes;

enum class Shape { kRandom, kCommonPrefix, kDuplicates, kFalling };

std::vector<Record> make_records(Shape shape, std::size_t count) {
  TestRandom random(count);
  std::vector<Record> records(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t value = shape == Shape::kFalling      ? count - i
                                : shape == Shape::kDuplicates ? random.below(100)
                                                              : random.next();
    records[i].fill(std::byte{0x77});
    store_be(records[i].data() + (shape == Shape::kRandom ? 0 : 8), value);
  }
  return records;
}

struct SorterSetup {
  const Operation* operation = nullptr;
  Lanes* lanes = nullptr;
  std::uint64_t merge_memory_bytes = 0;
};

struct Sorted {
  std::vector<Record> records;
  std::uint64_t scratch_bytes = 0;
};

Result<Sorted> sort_with(const std::vector<Record>& records, FileSystem& files,
                         const SorterSetup& setup) {
  const std::uint64_t memory_bytes = std::max(kMinSorterBytes, setup.merge_memory_bytes);
  Budget budget(memory_bytes);
  Sorter sorter = TRY(Sorter::create(budget, {.memory_bytes = kMinSorterBytes,
                                              .file_system = &files,
                                              .scratch_directory = "/",
                                              .operation = setup.operation,
                                              .lanes = setup.lanes}));
  for (const Record& record : records) TRY(sorter.add(record));
  TRY(sorter.sort(setup.merge_memory_bytes));
  Sorted sorted;
  while (const Record* record = TRY(sorter.next())) sorted.records.push_back(*record);
  // Another call at the end is valid.
  EXPECT_THAT(sorter.next(), IsOk());
  EXPECT_EQ(TRY(sorter.next()), nullptr);
  EXPECT_EQ(sorter.record_count(), records.size());
  EXPECT_EQ(budget.peak_bytes(), records.size() > kRunRecords ? memory_bytes : kMinSorterBytes);
  sorted.scratch_bytes = sorter.scratch_bytes();
  return sorted;
}

Result<std::vector<Record>> sort_all(const std::vector<Record>& records, FileSystem& files,
                                     const Operation* operation = nullptr,
                                     std::uint64_t* scratch_bytes = nullptr) {
  Sorted sorted = TRY(sort_with(records, files, {.operation = operation}));
  if (scratch_bytes != nullptr) *scratch_bytes = sorted.scratch_bytes;
  return std::move(sorted.records);
}

TEST(ExternalSorterTest, SortsAsStdSortDoesWhateverSpills) {
  MemoryFileSystem files;
  for (const Shape shape :
       {Shape::kRandom, Shape::kCommonPrefix, Shape::kDuplicates, Shape::kFalling}) {
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, kRunRecords - 1, kRunRecords,
                                    kRunRecords + 1, 2 * kRunRecords, 5 * kRunRecords / 2}) {
      std::vector<Record> records = make_records(shape, count);
      ASSERT_OK_AND_ASSIGN(sorted, sort_all(records, files));
      std::sort(records.begin(), records.end());
      EXPECT_TRUE(sorted == records) << count;
    }
  }
}

TEST(ExternalSorterTest, WritesScratchOnceAndTwiceWhereRunsAreMergedInGroups) {
  MemoryFileSystem files;
  for (const std::size_t runs : {kFanIn, kFanIn + 1, 2 * kFanIn + 3}) {
    std::vector<Record> records = make_records(Shape::kRandom, runs * kRunRecords - 5);
    std::uint64_t scratch_bytes = 0;
    ASSERT_OK_AND_ASSIGN(sorted, sort_all(records, files, nullptr, &scratch_bytes));
    std::sort(records.begin(), records.end());
    EXPECT_TRUE(sorted == records);
    EXPECT_EQ(scratch_bytes, records.size() * 16 * (runs > kFanIn ? 2 : 1));
  }
}

TEST(ExternalSorterTest, WhatFitsIntoMemoryTouchesNoFile) {
  MemoryFileSystem memory;
  FaultyFileSystem files(memory);
  ASSERT_THAT(sort_all(make_records(Shape::kRandom, kRunRecords), files), IsOk());
  EXPECT_EQ(files.counters().operations(), 0u);
}

TEST(ExternalSorterTest, WithoutScratchAFullBufferIsTheLimit) {
  Budget budget(kMinSorterBytes);
  ASSERT_OK_AND_ASSIGN(sorter, Sorter::create(budget, {.memory_bytes = kMinSorterBytes}));
  for (std::size_t i = 0; i < kRunRecords; ++i) ASSERT_THAT(sorter.add({}), IsOk());
  EXPECT_THAT(sorter.add({}), FailsWith(ErrorCode::kLimitExceeded, "directory for scratch"));
}

TEST(ExternalSorterTest, LeavesNoNameAndAtMostTwoFilesOpen) {
  MemoryFileSystem memory;
  FaultyFileSystem files(memory);
  ASSERT_THAT(sort_all(make_records(Shape::kFalling, (kFanIn + 1) * kRunRecords), files), IsOk());
  EXPECT_EQ(files.open_files(), 0u);
  EXPECT_LE(files.peak_open_files(), 2u);
  ASSERT_OK_AND_ASSIGN(names, memory.list("/"));
  EXPECT_TRUE(names.empty());
}

TEST(ExternalSorterTest, EveryFailureOfTheScratchFileComesBack) {
  const std::vector<Record> records = make_records(Shape::kRandom, (kFanIn + 1) * kRunRecords);
  MemoryFileSystem memory;
  FaultyFileSystem files(memory);
  ASSERT_THAT(sort_all(records, files), IsOk());
  // Merging reads often: after the first few, test every 97th operation.
  const std::uint64_t operation_count = files.counters().operations();
  ASSERT_GT(operation_count, 2 * kFanIn);
  for (std::uint64_t n = 0; n < operation_count; n += n < 3 ? 1 : 97) {
    files.inject({.operation = n});
    EXPECT_THAT(sort_all(records, files), FailsWith(ErrorCode::kIo, "injected fault")) << n;
    EXPECT_TRUE(files.fault_fired());
    EXPECT_EQ(files.open_files(), 0u);
  }
}

TEST(ExternalSorterTest, CanBeCancelledBeforeAndDuringTheMerge) {
  std::atomic<bool> cancel = true;
  const Operation operation{.report = {}, .cancel = &cancel};
  MemoryFileSystem files;
  EXPECT_THAT(sort_all(make_records(Shape::kRandom, kRunRecords + 1), files, &operation),
              FailsWith(ErrorCode::kInterrupted));

  cancel = false;
  Budget budget(kMinSorterBytes);
  ASSERT_OK_AND_ASSIGN(sorter, Sorter::create(budget, {.memory_bytes = kMinSorterBytes,
                                                       .file_system = &files,
                                                       .scratch_directory = "/",
                                                       .operation = &operation}));
  for (const Record& record : make_records(Shape::kRandom, 4 * kRunRecords)) {
    ASSERT_THAT(sorter.add(record), IsOk());
  }
  ASSERT_THAT(sorter.sort(), IsOk());
  ASSERT_THAT(sorter.next(), IsOk());
  cancel = true;
  std::optional<Error> error;
  for (std::size_t i = 0; i < 4 * kRunRecords && !error; ++i) {
    const auto next = sorter.next();
    if (!next) error = next.error();
  }
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, ErrorCode::kInterrupted);
}

TEST(ExternalSorterTest, LanesMakeNoDifferenceToTheResult) {
  MemoryFileSystem files;
  Lanes lanes(3);
  for (const Shape shape :
       {Shape::kRandom, Shape::kCommonPrefix, Shape::kDuplicates, Shape::kFalling}) {
    for (const std::size_t count :
         {std::size_t{0}, std::size_t{1}, kRunRecords / 2, kRunRecords - 1, kRunRecords,
          kRunRecords + 1, 3 * kRunRecords / 2, 3 * kRunRecords / 2 + 1, 5 * kRunRecords}) {
      std::vector<Record> records = make_records(shape, count);
      ASSERT_OK_AND_ASSIGN(sorted, sort_with(records, files, {.lanes = &lanes}));
      std::sort(records.begin(), records.end());
      EXPECT_TRUE(sorted.records == records) << count;
      EXPECT_EQ(sorted.scratch_bytes, count > kRunRecords ? count * 16 : 0);
    }
  }
}

TEST(ExternalSorterTest, OneLaneIsAsNone) {
  MemoryFileSystem files;
  Lanes lanes(1);
  std::vector<Record> records = make_records(Shape::kRandom, 3 * kRunRecords);
  ASSERT_OK_AND_ASSIGN(sorted, sort_with(records, files, {.lanes = &lanes}));
  std::sort(records.begin(), records.end());
  EXPECT_TRUE(sorted.records == records);
}

TEST(ExternalSorterTest, MoreMemoryForTheMergeSavesGroups) {
  MemoryFileSystem files;
  Lanes lanes(2);
  std::vector<Record> records = make_records(Shape::kRandom, (kFanIn + 1) * kRunRecords);
  std::vector<Record> expected = records;
  std::sort(expected.begin(), expected.end());
  for (Lanes* some : {static_cast<Lanes*>(nullptr), &lanes}) {
    // Less than the sorter has is ignored.
    ASSERT_OK_AND_ASSIGN(grouped,
                         sort_with(records, files, {.lanes = some, .merge_memory_bytes = 1}));
    EXPECT_TRUE(grouped.records == expected);
    EXPECT_EQ(grouped.scratch_bytes, 2 * records.size() * 16);
    ASSERT_OK_AND_ASSIGN(
        at_once,
        sort_with(records, files, {.lanes = some, .merge_memory_bytes = 3 * kMinSorterBytes}));
    EXPECT_TRUE(at_once.records == expected);
    EXPECT_EQ(at_once.scratch_bytes, records.size() * 16);
  }
}

TEST(ExternalSorterTest, MemoryForTheMergeThatTheBudgetHasNotIsRefused) {
  MemoryFileSystem files;
  Budget budget(2 * kMinSorterBytes);
  ASSERT_OK_AND_ASSIGN(sorter, Sorter::create(budget, {.memory_bytes = kMinSorterBytes,
                                                       .file_system = &files,
                                                       .scratch_directory = "/"}));
  for (std::size_t i = 0; i <= kRunRecords; ++i) ASSERT_THAT(sorter.add({}), IsOk());
  EXPECT_THAT(sorter.sort(3 * kMinSorterBytes),
              FailsWith(ErrorCode::kLimitExceeded, "the merge buffer"));
  EXPECT_THAT(sorter.next(), FailsWith(ErrorCode::kLimitExceeded));
}

TEST(ExternalSorterTest, EveryFailureInTheBackgroundComesBack) {
  const std::vector<Record> records = make_records(Shape::kRandom, 6 * kRunRecords);
  MemoryFileSystem memory;
  FaultyFileSystem files(memory);
  Lanes lanes(2);
  ASSERT_THAT(sort_with(records, files, {.lanes = &lanes}), IsOk());
  const std::uint64_t operation_count = files.counters().operations();
  ASSERT_GT(operation_count, 12u);
  for (std::uint64_t n = 0; n < operation_count; n += n < 14 ? 1 : 11) {
    files.inject({.operation = n});
    EXPECT_THAT(sort_with(records, files, {.lanes = &lanes}),
                FailsWith(ErrorCode::kIo, "injected fault"))
        << n;
    EXPECT_EQ(files.open_files(), 0u);
  }
}

TEST(ExternalSorterTest, AFailureInTheBackgroundStays) {
  MemoryFileSystem memory;
  FaultyFileSystem files(memory);
  files.inject({.kinds = io_kinds({IoKind::kWrite})});
  Lanes lanes(2);
  Budget budget(kMinSorterBytes);
  ASSERT_OK_AND_ASSIGN(sorter, Sorter::create(budget, {.memory_bytes = kMinSorterBytes,
                                                       .file_system = &files,
                                                       .scratch_directory = "/",
                                                       .lanes = &lanes}));
  std::size_t added = 0;
  while (sorter.add({})) ASSERT_LE(++added, 2 * kRunRecords);
  EXPECT_THAT(sorter.add({}), FailsWith(ErrorCode::kIo, "injected fault"));
  EXPECT_THAT(sorter.sort(), FailsWith(ErrorCode::kIo, "injected fault"));
  EXPECT_THAT(sorter.next(), FailsWith(ErrorCode::kIo, "injected fault"));
}

TEST(ExternalSorterTest, CanBeCancelledWhileLanesMerge) {
  std::atomic<bool> cancel = false;
  const Operation operation{.report = {}, .cancel = &cancel};
  MemoryFileSystem files;
  Lanes lanes(2);
  Budget budget(kMinSorterBytes);
  ASSERT_OK_AND_ASSIGN(sorter, Sorter::create(budget, {.memory_bytes = kMinSorterBytes,
                                                       .file_system = &files,
                                                       .scratch_directory = "/",
                                                       .operation = &operation,
                                                       .lanes = &lanes}));
  for (const Record& record : make_records(Shape::kRandom, 6 * kRunRecords)) {
    ASSERT_THAT(sorter.add(record), IsOk());
  }
  ASSERT_THAT(sorter.sort(), IsOk());
  cancel = true;
  std::optional<Error> error;
  for (std::size_t i = 0; i < 6 * kRunRecords && !error; ++i) {
    const auto next = sorter.next();
    if (!next) error = next.error();
  }
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, ErrorCode::kInterrupted);
}

TEST(ExternalSorterTest, MayBeMovedAndDroppedWhileALaneWorks) {
  MemoryFileSystem memory;
  FaultyFileSystem files(memory);
  Lanes lanes(2);
  const std::vector<Record> records = make_records(Shape::kRandom, 2 * kRunRecords);
  for (std::size_t count = kRunRecords; count <= records.size(); count += kRunRecords / 4) {
    Budget budget(2 * kMinSorterBytes);
    const SorterOptions options{.memory_bytes = kMinSorterBytes,
                                .file_system = &files,
                                .scratch_directory = "/",
                                .lanes = &lanes};
    ASSERT_OK_AND_ASSIGN(sorter, Sorter::create(budget, options));
    for (std::size_t i = 0; i < count; ++i) ASSERT_THAT(sorter.add(records[i]), IsOk());
    Sorter moved = std::move(sorter);
    ASSERT_THAT(moved.add({}), IsOk());
    ASSERT_OK_AND_ASSIGN(other, Sorter::create(budget, options));
    if (count % kRunRecords == 0) {
      moved = std::move(other);  // drops its old content
    } else {
      ASSERT_THAT(moved.sort(), IsOk());
      Sorter again = std::move(moved);
      ASSERT_OK_AND_ASSIGN(first, again.next());
      EXPECT_EQ(*first, Record{});
    }
  }
  EXPECT_EQ(files.open_files(), 0u);
}

// Both lanes wait for runs to be written, and no third one is there to write them.
TEST(ExternalSorterTest, SortersFedByTheWorkOfAllLanesDoNotWaitForEachOther) {
  MemoryFileSystem files;
  const std::vector<Record> records = make_records(Shape::kRandom, 4 * kRunRecords);
  std::vector<Record> expected = records;
  std::sort(expected.begin(), expected.end());
  std::atomic<int> right = 0;
  {
    Lanes lanes(2);
    for (int i = 0; i < 4; ++i) {
      lanes.post([&](std::size_t) {
        const auto sorted = sort_with(records, files, {.lanes = &lanes});
        if (sorted && sorted->records == expected) ++right;
      });
    }
  }
  EXPECT_EQ(right, 4);
}

}  // namespace
}  // namespace bale
