// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "object/percent.h"

#include <cstdint>
#include <random>

#include "testing/matchers.h"

namespace bale {
namespace {

// The bytes of a code point by the plain rule, surrogates and all.
std::string utf8_of(std::uint32_t code) {
  const auto tail = [code](unsigned shift) {
    return static_cast<char>(0x80 | ((code >> shift) & 0x3F));
  };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {static_cast<char>(0xC0 | code >> 6), tail(0)};
  if (code < 0x10000) return {static_cast<char>(0xE0 | code >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | code >> 18), tail(12), tail(6), tail(0)};
}

TEST(Utf8Test, EveryCodePointButSurrogatesIsValid) {
  for (std::uint32_t code = 0; code < 0x110000; ++code) {
    const bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
    ASSERT_EQ(is_valid_utf8(utf8_of(code)), !is_surrogate) << code;
  }
  EXPECT_FALSE(is_valid_utf8(utf8_of(0x110000)));
  EXPECT_FALSE(is_valid_utf8(utf8_of(0x1FFFFF)));
}

TEST(Utf8Test, OverlongFormsAreNotValid) {
  for (const std::string_view text :
       {"\xC0\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xE0\x9F\xBF", "\xF0\x80\x80\xAF",
        "\xF0\x8F\xBF\xBF", "\xF8\x88\x80\x80\x80", "\xFC\x84\x80\x80\x80\x80"}) {
    EXPECT_FALSE(is_valid_utf8(text));
  }
}

TEST(Utf8Test, TruncatedAndStrayBytesAreNotValid) {
  for (const std::uint32_t code : {0xE9u, 0x20ACu, 0x1F600u}) {
    const std::string whole = utf8_of(code);
    for (std::size_t size = 1; size < whole.size(); ++size) {
      EXPECT_FALSE(is_valid_utf8(whole.substr(0, size)));
      EXPECT_FALSE(is_valid_utf8(whole.substr(0, size) + "a"));
      EXPECT_FALSE(is_valid_utf8(whole.substr(size)));
    }
  }
  EXPECT_TRUE(is_valid_utf8(""));
  EXPECT_FALSE(is_valid_utf8("a\xFF"));
  EXPECT_FALSE(is_valid_utf8("a\x80"));
}

TEST(PercentTest, OnlyWhatIsNotPlainTextIsEncoded) {
  EXPECT_EQ(percent_encode(""), "");
  EXPECT_EQ(percent_encode("src/a b+\"\\~"), "src/a b+\"\\~");
  EXPECT_EQ(percent_encode("caf\xC3\xA9 \xF0\x9F\x98\x80"), "caf\xC3\xA9 \xF0\x9F\x98\x80");
  EXPECT_EQ(percent_encode("100%"), "100%25");
  EXPECT_EQ(percent_encode("a\nb\x7F\x1B"), "a%0Ab%7F%1B");
  EXPECT_EQ(percent_encode(std::string_view("\0", 1)), "%00");
  // Only the first byte of a broken sequence is encoded; decoding restarts after it.
  EXPECT_EQ(percent_encode("\xC3(\xE2\x82\xC3\xA9\xFF"), "%C3(%E2%82\xC3\xA9%FF");
}

TEST(PercentTest, DecodingTakesAnyCaseAndAnyByte) {
  EXPECT_EQ(percent_decode("%41%6a%6A%25").value(), "Ajj%");
  EXPECT_EQ(percent_decode("plain").value(), "plain");
}

TEST(PercentTest, BadEscapesAreInvalid) {
  for (const std::string_view text : {"%", "a%4", "%4", "%G0", "%0G", "%%41", "100% sure"}) {
    EXPECT_THAT(percent_decode(text), FailsWith(ErrorCode::kInvalidArgument)) << text;
  }
}

TEST(PercentTest, AnyBytesComeBackAndTheTextIsOneLineOfUtf8) {
  std::mt19937 random(20'261'122);
  // Bytes of sequences, so that both valid and broken ones are frequent.
  static constexpr std::string_view kBytes = "a%\n\xC3\xA9\xE2\x82\xAC\xED\xA0\xF0\x9F\x98\x80\xFF";
  for (int round = 0; round < 5000; ++round) {
    std::string bytes;
    for (std::size_t size = random() % 12; bytes.size() < size;) {
      bytes.push_back(kBytes[random() % kBytes.size()]);
    }
    const std::string text = percent_encode(bytes);
    ASSERT_TRUE(is_valid_utf8(text));
    ASSERT_EQ(text.find('\n'), std::string::npos);
    ASSERT_LE(text.size(), 3 * bytes.size());
    ASSERT_OK_AND_ASSIGN(decoded, percent_decode(text));
    ASSERT_EQ(decoded, bytes);
  }
}

}  // namespace
}  // namespace bale
