// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "base/hex.h"

#include <array>

#include "testing/matchers.h"

namespace bale {
namespace {

TEST(HexTest, EveryByteComesBack) {
  std::array<std::byte, 256> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
  const std::string hex = to_hex(bytes);
  EXPECT_EQ(hex.substr(0, 6), "000102");
  EXPECT_EQ(hex.substr(506), "fdfeff");
  std::array<std::byte, 256> parsed{};
  EXPECT_TRUE(parse_hex(hex, parsed));
  EXPECT_EQ(parsed, bytes);
}

TEST(HexTest, RefusesOtherLengthsAndOtherCharacters) {
  std::array<std::byte, 2> out{};
  EXPECT_TRUE(parse_hex("ABcd", out));
  EXPECT_FALSE(parse_hex("abc", out));
  EXPECT_FALSE(parse_hex("abcde", out));
  EXPECT_FALSE(parse_hex("abcg", out));
  EXPECT_FALSE(parse_hex("ab d", out));
}

}  // namespace
}  // namespace bale
