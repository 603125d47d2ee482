// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "base/budget.h"

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "testing/matchers.h"

namespace bale {
namespace {

TEST(BudgetTest, ChargesUpToTheLimitAndTakesBytesBack) {
  Budget budget(100);
  {
    ASSERT_OK_AND_ASSIGN(first, budget.charge(60, "a"));
    EXPECT_THAT(budget.charge(41, "the cache"),
                FailsWith(ErrorCode::kLimitExceeded, "the cache needs 41 bytes"));
    ASSERT_OK_AND_ASSIGN(second, budget.charge(40, "b"));
    EXPECT_EQ(budget.used_bytes(), 100u);
  }
  EXPECT_EQ(budget.used_bytes(), 0u);
  EXPECT_EQ(budget.peak_bytes(), 100u);
}

TEST(BudgetTest, RefusalSaysHowMuchMemoryWouldDo) {
  Budget budget(50'000);
  ASSERT_OK_AND_ASSIGN(held, budget.charge(20'000, "a"));
  const Result<Charge> refused = budget.charge(51'200, "b");
  ASSERT_THAT(refused, FailsWithHint(ErrorCode::kLimitExceeded, HintKind::kNeedsMemory));
  EXPECT_EQ(refused.error().hint.needed_bytes, 71'200u);
  EXPECT_EQ(refused.error().hint.allowed_bytes, 50'000u);
}

TEST(BudgetTest, HugeRequestsDoNotWrapAround) {
  Budget budget(100);
  ASSERT_OK_AND_ASSIGN(held, budget.charge(1, "a"));
  EXPECT_THAT(budget.charge(UINT64_MAX, "b"), FailsWith(ErrorCode::kLimitExceeded));
  EXPECT_EQ(budget.try_charge(UINT64_MAX).bytes(), 0u);
}

TEST(BudgetTest, MovingAChargeMovesTheBytesOnce) {
  Budget budget(100);
  Charge first = budget.try_charge(30);
  Charge second = std::move(first);
  EXPECT_EQ(budget.used_bytes(), 30u);
  second = budget.try_charge(10);
  EXPECT_EQ(budget.used_bytes(), 10u);
}

TEST(BudgetTest, ThreadsNeverOverdrawTogether) {
  Budget budget(1000);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&budget] {
      for (int round = 0; round < 10'000; ++round) {
        const Charge charge = budget.try_charge(300);
        EXPECT_LE(budget.used_bytes(), 1000u);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(budget.used_bytes(), 0u);
  EXPECT_LE(budget.peak_bytes(), 1000u);
}

TEST(BufferTest, IsZeroedChargedAndGivenBack) {
  Budget budget(1 << 20);
  {
    ASSERT_OK_AND_ASSIGN(buffer, Buffer::allocate(budget, 10'000, "a buffer"));
    EXPECT_EQ(buffer.size(), 10'000u);
    EXPECT_TRUE(std::all_of(buffer.span().begin(), buffer.span().end(),
                            [](std::byte byte) { return byte == std::byte{0}; }));
    const Buffer moved = std::move(buffer);
    EXPECT_EQ(budget.used_bytes(), 10'000u);
  }
  EXPECT_EQ(budget.used_bytes(), 0u);
  EXPECT_THAT(Buffer::allocate(budget, 2 << 20, "b"), FailsWith(ErrorCode::kLimitExceeded));
}

TEST(FormatBytesTest, IsShortAndHasAUnit) {
  EXPECT_EQ(format_bytes(0), "0 bytes");
  EXPECT_EQ(format_bytes(9999), "9999 bytes");
  EXPECT_EQ(format_bytes(16 << 20), "16.0 MiB");
  EXPECT_EQ(format_bytes(std::uint64_t{5} << 40), "5.0 TiB");
}

}  // namespace
}  // namespace bale
