// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "object/utc_time.h"

#include <gtest/gtest.h>

#include <random>

namespace bale {
namespace {

TEST(UtcTimeTest, KnownTimesAreWrittenAndRead) {
  const std::pair<std::int64_t, std::string_view> cases[] = {
      {0, "1970-01-01T00:00:00Z"},
      {-1, "1969-12-31T23:59:59Z"},
      {951'782'400, "2000-02-29T00:00:00Z"},
      {1'795'359'360, "2026-11-22T14:56:00Z"},
      {4'107'542'399, "2100-02-28T23:59:59Z"},
      {4'107'542'400, "2100-03-01T00:00:00Z"},
      {-62'167'219'200, "0000-01-01T00:00:00Z"},
      {253'402'300'799, "9999-12-31T23:59:59Z"},
  };
  for (const auto& [seconds, text] : cases) {
    EXPECT_EQ(format_utc(seconds), text);
    EXPECT_EQ(parse_utc(text), seconds);
  }
}

TEST(UtcTimeTest, TimesOutOfRangeBecomeTheNearestOnes) {
  EXPECT_EQ(format_utc(INT64_MIN), "0000-01-01T00:00:00Z");
  EXPECT_EQ(format_utc(INT64_MAX), "9999-12-31T23:59:59Z");
}

TEST(UtcTimeTest, WhatIsWrittenIsReadBack) {
  std::mt19937_64 random(1);
  std::uniform_int_distribution<std::int64_t> times(-62'167'219'200, 253'402'300'799);
  for (int round = 0; round < 5000; ++round) {
    const std::int64_t seconds = times(random);
    ASSERT_EQ(parse_utc(format_utc(seconds)), seconds);
  }
}

TEST(UtcTimeTest, OtherTextsAreNoTimes) {
  for (const std::string_view text :
       {"", "2026-11-22", "2026-11-22T14:56:00", "2026-11-22T14:56:00z", "2026-11-22 14:56:00Z",
        "2026-11-22T14:56:00Z ", "2026-11-22T14:56:00+00:00", "+026-11-22T14:56:00Z",
        "2026-1a-22T14:56:00Z", "2026-00-22T14:56:00Z", "2026-13-22T14:56:00Z",
        "2026-11-31T14:56:00Z", "2100-02-29T00:00:00Z", "2026-11-00T14:56:00Z",
        "2026-11-22T24:00:00Z", "2026-11-22T14:60:00Z", "2026-11-22T14:56:60Z"}) {
    EXPECT_EQ(parse_utc(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace bale
