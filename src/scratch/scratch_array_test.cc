// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Arrays, bits and stacks with too little memory, compared with those in memory.

#include "scratch/scratch_array.h"

#include <array>
#include <random>
#include <vector>

#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
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

constexpr std::uint64_t kBitCount = 40'000'000;  // 5 MB of bits

TEST(ScratchBitsTest, AreTheSameInMemoryAndOnScratch) {
  MemoryFileSystem files;
  Budget budget(6 << 20);
  ASSERT_OK_AND_ASSIGN(small,
                       ScratchBits::create(budget, kBitCount, ScratchBits::kMinBytes, files, "/"));
  EXPECT_LE(budget.used_bytes(), ScratchBits::kMinBytes);
  ASSERT_OK_AND_ASSIGN(large, ScratchBits::create(budget, kBitCount, 5 << 20, files, "/"));
  std::mt19937_64 random(1);
  for (int i = 0; i < 50'000; ++i) {
    // Half of them in a few pages, so that bits are found set.
    const std::uint64_t number = i % 2 == 0 ? random() % kBitCount : random() % 100'000;
    ASSERT_OK_AND_ASSIGN(was_set, large.test(number));
    ASSERT_OK_AND_ASSIGN(was_set_on_scratch, small.test(number));
    EXPECT_EQ(was_set, was_set_on_scratch);
    ASSERT_OK_AND_ASSIGN(is_new, small.set(number));
    EXPECT_EQ(is_new, !was_set);
    ASSERT_THAT(large.set(number), IsOk());
  }
}

TEST(ScratchBitsTest, NoneTakeLittle) {
  MemoryFileSystem files;
  Budget budget(1 << 20);
  ASSERT_OK_AND_ASSIGN(none, ScratchBits::create(budget, 0, 1 << 20, files, "/"));
  EXPECT_LE(budget.used_bytes(), ScratchBits::kMinBytes);
}

TEST(ScratchBitsTest, AFailingDiskIsAnError) {
  MemoryFileSystem memory;
  FaultyFileSystem files(memory);
  Budget budget(1 << 20);
  ASSERT_OK_AND_ASSIGN(bits,
                       ScratchBits::create(budget, kBitCount, ScratchBits::kMinBytes, files, "/"));
  ASSERT_THAT(bits.set(0), IsOk());
  files.inject({.operation = 0, .forever = true});
  EXPECT_THAT(bits.set(kBitCount - 1), FailsWith(ErrorCode::kIo));
}

TEST(ScratchStackTest, GivesBackTheLastFirstHoweverMany) {
  MemoryFileSystem files;
  Budget budget(100'000);
  ASSERT_OK_AND_ASSIGN(stack, ScratchStack<std::uint64_t>::create(budget, 10 * 8, files, "/"));
  std::vector<std::uint64_t> model;
  std::mt19937_64 random(7);
  for (int i = 0; i < 60'000; ++i) {
    // First it grows, then it shrinks.
    if (random() % 100 < (i < 30'000 ? 80u : 20u)) {
      model.push_back(random());
      ASSERT_THAT(stack.push(model.back()), IsOk());
    } else if (!model.empty()) {
      ASSERT_FALSE(stack.empty());
      ASSERT_OK_AND_ASSIGN(top, stack.pop());
      EXPECT_EQ(top, model.back());
      model.pop_back();
    }
    ASSERT_EQ(stack.empty(), model.empty());
  }
}

// 43 bytes: no page is filled, and none is aligned.
TEST(ScratchArrayGrowingTest, ItemsOfAnySizeAreThereAfterManyWereAppendedAndChanged) {
  struct Odd {
    std::array<std::byte, 43> bytes;
  };

  MemoryFileSystem files;
  Budget budget(100'000);
  ASSERT_OK_AND_ASSIGN(array, ScratchArray<Odd>::growing(budget, 20'000, files, "/", "a test"));
  std::vector<Odd> model;
  std::mt19937_64 random(3);
  const auto any = [&] {
    Odd odd;
    for (std::byte& byte : odd.bytes) byte = static_cast<std::byte>(random());
    return odd;
  };
  for (int i = 0; i < 20'000; ++i) {
    model.push_back(any());
    ASSERT_THAT(array.append(model.back()), IsOk());
    const std::size_t changed = random() % model.size();
    model[changed] = any();
    ASSERT_THAT(array.set(changed, model[changed]), IsOk());
  }
  ASSERT_EQ(array.size(), model.size());
  for (std::size_t i = 0; i < model.size(); ++i) {
    ASSERT_OK_AND_ASSIGN(item, array.get(i));
    ASSERT_EQ(item.bytes, model[i].bytes) << i;
  }
  EXPECT_LE(budget.peak_bytes(), 20'000u);
}

}  // namespace
}  // namespace bale
