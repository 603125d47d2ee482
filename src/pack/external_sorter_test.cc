// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/external_sorter.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <vector>

#include "base/endian.h"
#include "base/try.h"
#include "codec/test_bytes.h"
#include "io/faulty_file_system.h"
#include "io/memory_file_system.h"
#include "testing/matchers.h"

namespace bale {
namespace {

using Sorter = ExternalSorter<16>;
using Record = Sorter::Record;

// With the least memory, a run has so many records; 17 runs are one more than can be merged at
// once.
constexpr std::size_t kRunRecords = kMinSorterBytes / 16;
constexpr std::size_t kFanIn = kMinSorterBytes / (16 << 10);

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

Result<std::vector<Record>> sort_all(const std::vector<Record>& records, FileSystem& files,
                                     const Operation* operation = nullptr,
                                     std::uint64_t* scratch_bytes = nullptr) {
  Budget budget(kMinSorterBytes);
  Sorter sorter = TRY(Sorter::create(budget, {.memory_bytes = kMinSorterBytes,
                                              .file_system = &files,
                                              .scratch_directory = "/",
                                              .operation = operation}));
  for (const Record& record : records) TRY(sorter.add(record));
  TRY(sorter.sort());
  std::vector<Record> sorted;
  while (const Record* record = TRY(sorter.next())) sorted.push_back(*record);
  // It stays at the end.
  EXPECT_THAT(sorter.next(), IsOk());
  EXPECT_EQ(sorter.record_count(), records.size());
  EXPECT_EQ(budget.peak_bytes(), kMinSorterBytes);
  if (scratch_bytes != nullptr) *scratch_bytes = sorter.scratch_bytes();
  return sorted;
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
  // Reads of the merges are many: every 13th of all operations will do, after the first few.
  const std::uint64_t operation_count = files.counters().operations();
  ASSERT_GT(operation_count, 2 * kFanIn);
  for (std::uint64_t n = 0; n < operation_count; n += n < 3 ? 1 : 13) {
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

}  // namespace
}  // namespace bale
