// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "bale/result.h"

#include <memory>
#include <optional>
#include <string>
#include <type_traits>

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
  TRY_VOID(half(number));
  return {};
}

TEST(ResultTest, TryPassesValuesOnAndReturnsTheFirstError) {
  EXPECT_EQ(quarter(12).value(), 3);
  EXPECT_THAT(quarter(6), FailsWith(ErrorCode::kInvalidArgument, "3 is odd"));
  EXPECT_THAT(require_even(4), IsOk());
  EXPECT_THAT(require_even(5), FailsWith(ErrorCode::kInvalidArgument, "5 is odd"));
}

TEST(ResultTest, TakesWhatBecomesItsValue) {
  const auto find = [](int number) -> Result<std::optional<int>> {
    if (number < 0) return fail(ErrorCode::kInvalidArgument, "below 0");
    if (number == 0) return std::nullopt;
    return number;
  };
  EXPECT_THAT(find(-1), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_EQ(find(0).value(), std::nullopt);
  EXPECT_EQ(find(7).value(), 7);
  const auto name = [](bool known) -> Result<std::string> {
    if (!known) return fail(ErrorCode::kNotFound, "no name");
    return "name";
  };
  EXPECT_EQ(name(true).value(), "name");
  // An Error is never a value, and a number keeps its digits.
  const Result<std::optional<Error>> failed = fail(ErrorCode::kIo, "why");
  EXPECT_FALSE(failed);
  static_assert(!std::is_constructible_v<Result<std::uint8_t>, std::string>);
}

TEST(ResultTest, AnOtherValueStandsInForAnError) {
  EXPECT_EQ(half(6).value_or(9), 3);
  EXPECT_EQ(half(5).value_or(9), 9);
  const Result<std::string> failed = fail(ErrorCode::kIo, "why");
  EXPECT_EQ(failed.value_or("x"), "x");
}

TEST(ResultTest, TransformChangesTheValueAndKeepsTheError) {
  const auto words = [](int number) { return "is " + std::to_string(number); };
  EXPECT_EQ(half(6).transform(words).value(), "is 3");
  EXPECT_THAT(half(5).transform(words), FailsWith(ErrorCode::kInvalidArgument, "5 is odd"));
}

TEST(ResultTest, OtherWordsKeepCodeAndHint) {
  const Error cause = fail(ErrorCode::kNotFound, {HintKind::kCreateStore}, "no store");
  const Error told = fail(cause, "{}; x needs it", cause.message);
  EXPECT_EQ(told.code, ErrorCode::kNotFound);
  EXPECT_EQ(told.message, "no store; x needs it");
  EXPECT_EQ(told.hint.kind, HintKind::kCreateStore);
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
