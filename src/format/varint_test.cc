// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "format/varint.h"

#include <initializer_list>
#include <vector>

#include "testing/matchers.h"

namespace bale {
namespace {

using ByteVector = std::vector<std::byte>;

ByteVector bytes(std::initializer_list<int> values) {
  ByteVector out;
  for (const int value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

ByteVector shortest(std::uint64_t value) {
  ByteVector out(kMaxVarintBytes);
  out.resize(encode_varint(value, out.data()));
  return out;
}

// Every power of two, one less and one more.
std::vector<std::uint64_t> interesting_values() {
  std::vector<std::uint64_t> values = {0, UINT64_MAX};
  for (unsigned bit = 0; bit < 64; ++bit) {
    const std::uint64_t power = std::uint64_t{1} << bit;
    values.insert(values.end(), {power - 1, power, power + 1});
  }
  return values;
}

TEST(VarintTest, HasTheBytesOfTheFormat) {
  EXPECT_EQ(shortest(0), bytes({0}));
  EXPECT_EQ(shortest(127), bytes({0x7f}));
  EXPECT_EQ(shortest(128), bytes({0x80, 0x01}));
  EXPECT_EQ(shortest(300), bytes({0xac, 0x02}));
  EXPECT_EQ(shortest(UINT64_MAX),
            bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}));
}

TEST(VarintTest, BothFormsReadBackAndMoveThePositionPast) {
  for (const std::uint64_t value : interesting_values()) {
    ByteVector two = shortest(value);
    const std::size_t first_end = two.size();
    const auto padded = encode_padded_varint(value);
    two.insert(two.end(), padded.begin(), padded.end());
    std::size_t position = 0;
    ASSERT_OK_AND_ASSIGN(first, decode_varint(two, &position));
    EXPECT_EQ(first, value);
    EXPECT_EQ(position, first_end);
    ASSERT_OK_AND_ASSIGN(second, decode_varint(two, &position));
    EXPECT_EQ(second, value);
    EXPECT_EQ(position, two.size());
  }
}

TEST(VarintTest, AnyNumberOfPaddingBytesUpToTenIsAccepted) {
  ByteVector padded = bytes({0x85});
  for (std::size_t length = 2; length <= kMaxVarintBytes; ++length) {
    padded.push_back(std::byte{0x00});
    std::size_t position = 0;
    ASSERT_OK_AND_ASSIGN(value, decode_varint(padded, &position));
    EXPECT_EQ(value, 5u);
    EXPECT_EQ(position, length);
    padded.back() = std::byte{0x80};
  }
  // An eleventh byte is too many, zero or not.
  padded.push_back(std::byte{0x00});
  std::size_t position = 0;
  EXPECT_THAT(decode_varint(padded, &position), FailsWith(ErrorCode::kCorrupt, "past 10 bytes"));
}

TEST(VarintTest, MoreThanSixtyFourBitsAreCorrupt) {
  for (const int last : {0x02, 0x03, 0x7f}) {
    const ByteVector wide = bytes({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, last});
    std::size_t position = 0;
    EXPECT_THAT(decode_varint(wide, &position), FailsWith(ErrorCode::kCorrupt, "past 64 bits"));
  }
}

TEST(VarintTest, EveryTruncationIsCorrupt) {
  for (const std::uint64_t value : interesting_values()) {
    for (const bool is_padded : {false, true}) {
      const auto padded = encode_padded_varint(value);
      const ByteVector whole =
          is_padded ? ByteVector(padded.begin(), padded.end()) : shortest(value);
      for (std::size_t length = 0; length < whole.size(); ++length) {
        const ByteVector cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
        std::size_t position = 0;
        EXPECT_THAT(decode_varint(cut, &position), FailsWith(ErrorCode::kCorrupt, "past the end"));
      }
    }
  }
}

TEST(VarintTest, ATailContinuesTheLowBitsThatWereRead) {
  std::size_t position = 0;
  ASSERT_OK_AND_ASSIGN(value, decode_varint_tail(bytes({0x81, 0x01}), &position, 0x0f, 4));
  EXPECT_EQ(value, 0x0fu + (0x81u << 4));
  EXPECT_EQ(position, 2u);
  // With the byte before it, the tenth byte is the last one allowed.
  ByteVector longest(9, std::byte{0x80});
  position = 0;
  EXPECT_THAT(decode_varint_tail(longest, &position, 0, 4), FailsWith(ErrorCode::kCorrupt));
  longest.back() = std::byte{0x0f};
  position = 0;
  ASSERT_OK_AND_ASSIGN(high, decode_varint_tail(longest, &position, 0, 4));
  EXPECT_EQ(high, std::uint64_t{0x0f} << 60);
  longest.back() = std::byte{0x10};
  position = 0;
  EXPECT_THAT(decode_varint_tail(longest, &position, 0, 4),
              FailsWith(ErrorCode::kCorrupt, "past 64 bits"));
}

}  // namespace
}  // namespace bale
