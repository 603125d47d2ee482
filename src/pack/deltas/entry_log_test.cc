// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/deltas/entry_log.h"

#include "base/try.h"
#include "format/entry.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"

namespace bale {
namespace {

class EntryLogTest : public testing::Test {
 protected:
  EntryLogTest() {
    auto log = EntryLog::create(budget_, files_, "/");
    EXPECT_THAT(log, IsOk());
    if (log) log_ = std::move(*log);
  }

  // Entry `number` lies at 100 * number.
  void append(std::optional<std::uint64_t> base, int depth) {
    const std::uint64_t number = log_->size();
    ASSERT_THAT(log_->append({.offset = 100 * number,
                              .base = base,
                              .size = number + 7,
                              .rebuild_bytes = 2 * number,
                              .depth = depth,
                              .type = ObjectType::kTree}),
                IsOk());
  }

  Budget budget_{1 << 20};
  MemoryFileSystem files_;
  std::unique_ptr<EntryLog> log_;
};

TEST_F(EntryLogTest, GivesBackWhatWasAppendedFromMemoryAndFromScratch) {
  constexpr std::uint64_t kCount = 3 * EntryLog::kBufferBytes / 32;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    append(i % 3 == 0 ? std::nullopt : std::optional(i - 1), static_cast<int>(i % 3));
  }
  ASSERT_EQ(log_->size(), kCount);
  for (std::uint64_t i = 0; i < kCount; ++i) {
    ASSERT_OK_AND_ASSIGN(entry, log_->at(i));
    EXPECT_EQ(entry.offset, 100 * i);
    EXPECT_EQ(entry.base, i % 3 == 0 ? std::nullopt : std::optional(i - 1));
    EXPECT_EQ(entry.size, i + 7);
    EXPECT_EQ(entry.rebuild_bytes, 2 * i);
    EXPECT_EQ(entry.depth, static_cast<int>(i % 3));
    EXPECT_EQ(entry.type, ObjectType::kTree);
  }
  EXPECT_LE(budget_.peak_bytes(), EntryLog::kBufferBytes + 4096);
}

TEST_F(EntryLogTest, SizesThatCannotMatterAreTheLargestThereAre) {
  ASSERT_THAT(
      log_->append({.size = std::uint64_t{1} << 40, .rebuild_bytes = std::uint64_t{1} << 41}),
      IsOk());
  ASSERT_OK_AND_ASSIGN(entry, log_->at(0));
  EXPECT_EQ(entry.size, 0xFFFFFFFFu);
  EXPECT_EQ(entry.rebuild_bytes, 0xFFFFFFFFu);
}

// Entry 50 is at the end of a chain. 51 is the same object, stored whole; what leans on it leans on
// entry 50 for a reader.
TEST_F(EntryLogTest, ADuplicateThatMakesAChainTooLongIsRefused) {
  append(std::nullopt, 0);
  for (std::uint64_t i = 1; i <= 50; ++i) append(i - 1, static_cast<int>(i));
  append(std::nullopt, 0);
  append(51, 1);
  ASSERT_THAT(log_->check_depths(), IsOk());
  ASSERT_THAT(log_->note_duplicate(100 * 50, 100 * 51), IsOk());
  EXPECT_THAT(log_->check_depths(), FailsWith(ErrorCode::kInvalidArgument, "added twice"));
}

TEST_F(EntryLogTest, ADuplicateThatLeavesChainsShortIsFine) {
  append(std::nullopt, 0);
  for (std::uint64_t i = 1; i <= 49; ++i) append(i - 1, static_cast<int>(i));
  append(std::nullopt, 0);
  append(50, 1);
  ASSERT_THAT(log_->note_duplicate(100 * 49, 100 * 50), IsOk());
  EXPECT_THAT(log_->check_depths(), IsOk());
  ASSERT_OK_AND_ASSIGN(deepest, log_->at(51));
  EXPECT_EQ(deepest.depth, kMaxWrittenDepth);
}

TEST_F(EntryLogTest, ADuplicateOfSomethingShallowerDoesNotMatter) {
  append(std::nullopt, 0);
  append(0, 1);
  append(1, 2);
  ASSERT_THAT(log_->note_duplicate(0, 200), IsOk());
  EXPECT_THAT(log_->check_depths(), IsOk());
}

}  // namespace
}  // namespace bale
