// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "git/export/sent_log.h"

#include <deque>
#include <map>
#include <random>

#include "testing/matchers.h"
#include "testing/memory_file_system.h"

namespace bale {
namespace {

constexpr std::size_t kMostUnplaced = 200;

class SentLogTest : public testing::Test {
 protected:
  Result<SentLog> create(std::uint64_t more_bytes = 0) {
    return SentLog::create(budget_, {.memory_bytes = SentLog::kMinMemoryBytes + more_bytes,
                                     .file_system = &files_,
                                     .scratch_directory = "/"});
  }

  MemoryFileSystem files_;
  Budget budget_{1 << 20};
};

TEST_F(SentLogTest, FindsWhatAMapFinds) {
  std::mt19937_64 random(7);
  for (const std::uint64_t more_bytes : {0u, 100'000u}) {
    ASSERT_OK_AND_ASSIGN(log, create(more_bytes));
    std::uint64_t position = 12;
    std::uint64_t ordinal = 0;
    std::deque<std::uint64_t> unplaced;
    std::map<std::uint64_t, std::uint64_t> positions;  // by ordinal
    for (int pack = 0; pack < 3; ++pack) {
      log.start_pack();
      std::map<std::uint64_t, SentLog::Found> expected;  // by offset
      std::uint64_t offset = 16;
      for (int i = 0; i < 5'000; ++i) {
        offset += 2 + random() % 100;
        const std::uint64_t size = random() % 1'000'000;
        ASSERT_OK_AND_ASSIGN(given, log.add(offset, size));
        ASSERT_EQ(given, ordinal);
        expected[offset] = {ordinal, size};
        unplaced.push_back(ordinal++);
        while (unplaced.size() >= kMostUnplaced || (!unplaced.empty() && random() % 2 == 0)) {
          ASSERT_THAT(log.place(position), IsOk());
          positions[unplaced.front()] = position;
          unplaced.pop_front();
          position += 1 + random() % 1'000;
        }
        // An offset that was sent, one that was not, and one far back.
        auto known = expected.lower_bound(16 + random() % offset);
        if (known == expected.end()) known = expected.begin();
        ASSERT_OK_AND_ASSIGN(found, log.find(known->first));
        ASSERT_TRUE(found);
        EXPECT_EQ(found->ordinal, known->second.ordinal);
        EXPECT_EQ(found->size, known->second.size);
        if (positions.contains(found->ordinal)) {
          EXPECT_THAT(log.position(found->ordinal), IsOk());
          EXPECT_EQ(log.position(found->ordinal).value(), positions[found->ordinal]);
        }
        ASSERT_OK_AND_ASSIGN(none, log.find(known->first + 1));
        EXPECT_FALSE(none);
      }
      // Entries of earlier packs, which also had offsets below 16, are not found.
      ASSERT_OK_AND_ASSIGN(before, log.find(15));
      EXPECT_FALSE(before);
      ASSERT_OK_AND_ASSIGN(behind, log.find(offset + 1));
      EXPECT_FALSE(behind);
    }
    // Positions stay, whatever the pack.
    for (const auto& [sent, at] : positions) {
      ASSERT_OK_AND_ASSIGN(there, log.position(sent));
      ASSERT_EQ(there, at);
    }
    EXPECT_LE(budget_.used_bytes(), SentLog::kMinMemoryBytes + more_bytes);
  }
  EXPECT_EQ(budget_.used_bytes(), 0u);
}

TEST_F(SentLogTest, AnotherPackHasOffsetsOfItsOwn) {
  ASSERT_OK_AND_ASSIGN(log, create());
  ASSERT_THAT(log.add(100, 1), IsOk());
  ASSERT_THAT(log.add(200, 2), IsOk());
  log.start_pack();
  EXPECT_FALSE(log.find(100).value());
  ASSERT_THAT(log.add(100, 3), IsOk());
  EXPECT_EQ(log.find(100).value()->ordinal, 2u);
  EXPECT_EQ(log.find(100).value()->size, 3u);
  EXPECT_FALSE(log.find(200).value());
}

TEST_F(SentLogTest, NeedsNoScratchForFewAndSaysWhatAFailingOneSays) {
  // The directory is not there.
  ASSERT_OK_AND_ASSIGN(log, SentLog::create(budget_, {.memory_bytes = SentLog::kMinMemoryBytes,
                                                      .file_system = &files_,
                                                      .scratch_directory = "/none"}));
  Result<std::uint64_t> added = std::uint64_t{0};
  std::uint64_t count = 0;
  for (; added && count < 100'000; ++count) {
    added = log.add(16 + count, 1);
    if (added) {
      ASSERT_THAT(log.place(count), IsOk());
    }
  }
  EXPECT_THAT(added, FailsWith(ErrorCode::kNotFound));
  EXPECT_GE(count, 256u);
}

}  // namespace
}  // namespace bale
