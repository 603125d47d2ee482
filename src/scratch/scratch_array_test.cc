// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Arrays in less memory than they have items, against std::vector.

#include "scratch/scratch_array.h"

#include <random>
#include <vector>

#include "testing/matchers.h"
#include "testing/temp_directory.h"

namespace bale {
namespace {

class ScratchArrayTest : public testing::TestWithParam<std::uint64_t> {};

INSTANTIATE_TEST_SUITE_P(Memory, ScratchArrayTest,
                         testing::Values(ScratchArray<std::uint64_t>::kMinBytes, 1 << 20));

TEST_P(ScratchArrayTest, ItemsAreWhatTheyWereSetTo) {
  constexpr std::uint64_t kCount = 50'000;
  const TempDirectory directory;
  Budget budget(GetParam());
  ASSERT_OK_AND_ASSIGN(
      array, ScratchArray<std::uint64_t>::create(budget, kCount, GetParam(), posix_file_system(),
                                                 directory.path(), "a test"));
  std::vector<std::uint64_t> model(kCount);
  std::mt19937_64 random(1);
  for (int i = 0; i < 50'000; ++i) {
    const std::uint64_t number = random() % kCount;
    ASSERT_OK_AND_ASSIGN(item, array.get(number));
    ASSERT_EQ(item, model[number]);
    model[number] = random();
    ASSERT_THAT(array.set(number, model[number]), IsOk());
  }
  for (std::uint64_t number = 0; number < kCount; ++number) {
    ASSERT_OK_AND_ASSIGN(item, array.get(number));
    ASSERT_EQ(item, model[number]);
  }
  EXPECT_LE(budget.peak_bytes(), GetParam());
}

}  // namespace
}  // namespace bale
