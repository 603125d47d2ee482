// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Bits and stacks that spill to scratch, against those that do not.

#include "scratch/scratch_bits.h"

#include <random>
#include <set>
#include <vector>

#include "scratch/scratch_stack.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"

namespace bale {
namespace {

constexpr std::uint64_t kCount = 40'000'000;  // 5 MB of bits

TEST(ScratchBitsTest, AreTheSameInMemoryAndOnScratch) {
  MemoryFileSystem files;
  Budget budget(6 << 20);
  ASSERT_OK_AND_ASSIGN(small,
                       ScratchBits::create(budget, kCount, ScratchBits::kMinBytes, files, "/"));
  EXPECT_LE(budget.used_bytes(), ScratchBits::kMinBytes);
  ASSERT_OK_AND_ASSIGN(large, ScratchBits::create(budget, kCount, 5 << 20, files, "/"));
  std::mt19937_64 random(1);
  for (int i = 0; i < 50'000; ++i) {
    // Half of them in a few pages, so that bits are found set.
    const std::uint64_t number = i % 2 == 0 ? random() % kCount : random() % 100'000;
    ASSERT_OK_AND_ASSIGN(was_set, large.test(number));
    ASSERT_OK_AND_ASSIGN(was_set_on_scratch, small.test(number));
    EXPECT_EQ(was_set, was_set_on_scratch);
    ASSERT_OK_AND_ASSIGN(is_new, small.set(number));
    EXPECT_EQ(is_new, !was_set);
    ASSERT_THAT(large.set(number), IsOk());
  }
}

TEST(ScratchBitsTest, NoneTakeNothing) {
  MemoryFileSystem files;
  Budget budget(1 << 20);
  ASSERT_THAT(ScratchBits::create(budget, 0, 1 << 20, files, "/"), IsOk());
  EXPECT_EQ(budget.used_bytes(), 0u);
}

TEST(ScratchBitsTest, AFailingDiskIsAnError) {
  MemoryFileSystem memory;
  FaultyFileSystem files(memory);
  Budget budget(1 << 20);
  ASSERT_OK_AND_ASSIGN(bits,
                       ScratchBits::create(budget, kCount, ScratchBits::kMinBytes, files, "/"));
  ASSERT_THAT(bits.set(0), IsOk());
  files.inject({.operation = 0, .forever = true});
  EXPECT_THAT(bits.set(kCount - 1), FailsWith(ErrorCode::kIo));
}

TEST(ScratchStackTest, GivesBackTheLastFirstHoweverMany) {
  MemoryFileSystem files;
  Budget budget(4096);
  ASSERT_OK_AND_ASSIGN(stack, ScratchStack<std::uint64_t>::create(budget, 10 * 8, files, "/"));
  std::vector<std::uint64_t> model;
  std::mt19937_64 random(7);
  for (int i = 0; i < 20'000; ++i) {
    // First it grows, then it shrinks.
    if (random() % 100 < (i < 10'000 ? 60u : 40u)) {
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

}  // namespace
}  // namespace bale
