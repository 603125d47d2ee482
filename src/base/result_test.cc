// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "bale/result.h"

#include <memory>

#include "base/error.h"
#include "base/try.h"
#include "testing/matchers.h"

namespace bale {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return fail(ErrorCode::kInvalidArgument, "{} is odd", number);
  return number / 2;
}

Result<int> quarter(int number) {
  const int halved = TRY(half(number));
  return TRY(half(halved));
}

Result<void> require_even(int number) {
  static_cast<void>(TRY(half(number)));
  return {};
}

TEST(ResultTest, TryPassesValuesOnAndReturnsTheFirstError) {
  EXPECT_EQ(quarter(12).value(), 3);
  EXPECT_THAT(quarter(6), FailsWith(ErrorCode::kInvalidArgument, "3 is odd"));
  EXPECT_THAT(require_even(4), IsOk());
  EXPECT_THAT(require_even(5), FailsWith(ErrorCode::kInvalidArgument, "5 is odd"));
}

TEST(ResultTest, HoldsValuesThatOnlyMove) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
  const std::unique_ptr<int> owned = std::move(result).value();
  EXPECT_EQ(*owned, 7);
}

TEST(ResultDeathTest, ReadingWhatIsNotThereStopsTheProgram) {
  EXPECT_DEATH(static_cast<void>(half(3).value()), "3 is odd");
  EXPECT_DEATH(static_cast<void>(half(2).error()), "wrong way round");
}

TEST(ResultTest, EveryCodeHasItsOwnName) {
  EXPECT_EQ(to_string(ErrorCode::kNotFound), "not_found");
  EXPECT_EQ(to_string(ErrorCode::kCorrupt), "corrupt");
  EXPECT_EQ(to_string(ErrorCode::kIo), "io");
  EXPECT_EQ(to_string(ErrorCode::kInvalidArgument), "invalid_argument");
  EXPECT_EQ(to_string(ErrorCode::kUnsupported), "unsupported");
  EXPECT_EQ(to_string(ErrorCode::kLimitExceeded), "limit_exceeded");
  EXPECT_EQ(to_string(ErrorCode::kInterrupted), "interrupted");
  EXPECT_EQ(to_string(ErrorCode::kIncomplete), "incomplete");
}

}  // namespace
}  // namespace bale
