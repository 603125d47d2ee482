// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Valid and invalid sizes.

#include "cli/sizes.h"

#include <gtest/gtest.h>

namespace bale::cli {
namespace {

TEST(SizesTest, PlainNumbersAreBytes) {
  EXPECT_EQ(parse_size("0"), 0u);
  EXPECT_EQ(parse_size("1048576"), 1048576u);
  EXPECT_EQ(parse_size("18446744073709551615"), UINT64_MAX);
}

TEST(SizesTest, UnitsArePowersOf1024) {
  EXPECT_EQ(parse_size("64K"), 64u << 10);
  EXPECT_EQ(parse_size("10M"), 10u << 20);
  EXPECT_EQ(parse_size("10m"), 10u << 20);
  EXPECT_EQ(parse_size("10MiB"), 10u << 20);
  EXPECT_EQ(parse_size("1G"), 1u << 30);
  EXPECT_EQ(parse_size("2T"), std::uint64_t{2} << 40);
}

TEST(SizesTest, JunkIsRefused) {
  for (const char* junk : {"", "M", "iB", "10iB", "10MB", "10 M", " 10", "-1", "+1", "1.5G", "0x10",
                           "10MM", "10K1", "18446744073709551616", "17179869184G"}) {
    EXPECT_EQ(parse_size(junk), std::nullopt) << junk;
  }
}

TEST(SizesTest, CountsAreDigitsOnly) {
  EXPECT_EQ(parse_count("12"), 12u);
  EXPECT_EQ(parse_count("12K"), std::nullopt);
  EXPECT_EQ(parse_count("-12"), std::nullopt);
  EXPECT_EQ(parse_count(""), std::nullopt);
}

}  // namespace
}  // namespace bale::cli
