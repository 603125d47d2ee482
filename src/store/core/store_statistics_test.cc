// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "bale/store_statistics.h"

#include <atomic>
#include <filesystem>
#include <numeric>
#include <string>

#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

constexpr std::uint64_t kMemoryBytes = 16 << 20;

TEST(StoreStatisticsTest, AnEmptyStoreHasNothing) {
  StoreFixture fixture;
  ASSERT_OK_AND_ASSIGN(statistics,
                       store_statistics(fixture.store(), {.memory_bytes = kMemoryBytes}));
  EXPECT_EQ(statistics.objects, 0u);
  EXPECT_EQ(statistics.archives, 0u);
  EXPECT_EQ(statistics.pack_bytes, 0u);
  EXPECT_EQ(statistics.compression_ratio(), 0);
  EXPECT_EQ(statistics.dedup_ratio(), 0);
}

TEST(StoreStatisticsTest, EverythingAddsUp) {
  GitFixture git;
  git.write("a", std::string(100'000, 'a'));
  git.write("b", random_text(100'000, 1));
  git.commit("first");
  StoreFixture fixture;
  ASSERT_OK_AND_ASSIGN(first, fixture.import(git.path(), "x"));
  git.tag("v1", git.oid("HEAD"));
  ASSERT_OK_AND_ASSIGN(second, fixture.import(git.path(), "x"));
  ASSERT_OK_AND_ASSIGN(third, fixture.import(git.path(), "y"));
  ASSERT_OK_AND_ASSIGN(statistics,
                       store_statistics(fixture.store(), {.memory_bytes = kMemoryBytes}));
  EXPECT_EQ(statistics.archives, 2u);
  EXPECT_EQ(statistics.records, 3u);
  EXPECT_EQ(statistics.packs, 3u);
  EXPECT_EQ(statistics.objects, 5u + 3);
  EXPECT_EQ(statistics.types[0].objects, 2u);  // blobs
  EXPECT_EQ(statistics.types[1].objects, 1u);
  EXPECT_EQ(statistics.types[2].objects, 1u);
  EXPECT_EQ(statistics.types[3].objects, 1u + 3);  // the tag and the records
  EXPECT_EQ(statistics.types[0].bytes, 200'000u);
  EXPECT_GE(statistics.types[0].stored_bytes, 100'000u);
  EXPECT_LT(statistics.types[0].stored_bytes, 101'000u);
  EXPECT_EQ(statistics.deltas, 0u);
  EXPECT_EQ(std::accumulate(statistics.objects_by_depth.begin(), statistics.objects_by_depth.end(),
                            std::uint64_t{0}),
            statistics.objects);
  EXPECT_EQ(statistics.pack_bytes, first.pack_bytes + second.pack_bytes + third.pack_bytes);
  EXPECT_EQ(statistics.index_bytes, first.index_bytes + second.index_bytes + third.index_bytes);
  std::uint64_t file_bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(fixture.path() + "/packs")) {
    file_bytes += entry.file_size();
  }
  EXPECT_EQ(statistics.pack_bytes + statistics.index_bytes, file_bytes);
  EXPECT_EQ(statistics.archive_objects, second.objects + third.objects);
  EXPECT_EQ(statistics.archive_objects_new, 5u);
  EXPECT_DOUBLE_EQ(statistics.dedup_ratio(), 2.0);
  EXPECT_GT(statistics.compression_ratio(), 1.9);
  EXPECT_EQ(statistics.bytes(), statistics.types[0].bytes + statistics.types[1].bytes +
                                    statistics.types[2].bytes + statistics.types[3].bytes);
  const std::atomic<bool> cancel = true;
  EXPECT_THAT(store_statistics(fixture.store(),
                               {.memory_bytes = kMemoryBytes, .operation = {.cancel = &cancel}}),
              FailsWith(ErrorCode::kInterrupted));
}

}  // namespace
}  // namespace bale
