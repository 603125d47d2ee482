// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "object/printable.h"

#include <gtest/gtest.h>

#include <random>

#include "object/percent.h"

namespace bale {
namespace {

TEST(PrintableTest, PlainNamesAreQuotedAsTheyAre) {
  for (const std::string_view name :
       {"", "src/a b", "100%", "a%41b", "-x", "'", "caf\xC3\xA9", "\xF0\x9F\x98\x80", "~^:?*["}) {
    EXPECT_EQ(quoted_name(name), name);
    EXPECT_EQ(escaped(name), name);
    EXPECT_EQ(lossy_utf8(name), name);
  }
}

TEST(PrintableTest, OtherNamesAreQuotedAsGitQuotesThem) {
  // As printed by `git -c core.quotePath=false ls-files`.
  EXPECT_EQ(quoted_name("a\"b"), R"("a\"b")");
  EXPECT_EQ(quoted_name("a\\b"), R"("a\\b")");
  EXPECT_EQ(quoted_name("\a\b\t\n\v\f\r"), R"("\a\b\t\n\v\f\r")");
  EXPECT_EQ(quoted_name("\x1B[2J\x7F\x01"), R"("\033[2J\177\001")");
  // Git prints these unescaped.
  EXPECT_EQ(quoted_name("caf\xE9"), R"("caf\351")");
  EXPECT_EQ(quoted_name("\xC2\x9B"
                        "2J"),
            R"("\302\2332J")");
  EXPECT_EQ(quoted_name("\xE2\x80\xA8"), R"("\342\200\250")");
  EXPECT_EQ(quoted_name("\xE2\x80\xAE"), R"("\342\200\256")");
  EXPECT_EQ(quoted_name("\xE2\x81\xA6"), R"("\342\201\246")");
  EXPECT_EQ(quoted_name("\xE2\x80\x8D\xE2\x81\xA5"), "\xE2\x80\x8D\xE2\x81\xA5");
}

TEST(PrintableTest, SentencesKeepQuotesAndBackslashes) {
  EXPECT_EQ(escaped("\"a\\b\" 'c'"), "\"a\\b\" 'c'");
  EXPECT_EQ(escaped("a\nb\x1B\xFF"), R"(a\nb\033\377)");
}

TEST(PrintableTest, EachBrokenSequenceIsOneReplacement) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(lossy_utf8("caf\xE9"), "caf" + r);
  EXPECT_EQ(lossy_utf8("\xE2\x82"), r);
  EXPECT_EQ(lossy_utf8("\xE2\x82(\xFF"), r + "(" + r);
  EXPECT_EQ(lossy_utf8("\xF0\x9F\x98"), r);
  EXPECT_EQ(lossy_utf8("\xF4\x90\x80\x80"), r + r + r + r);
  EXPECT_EQ(lossy_utf8("\xED\xA0\x80"), r + r + r);
  EXPECT_EQ(lossy_utf8("\xC0\xAF\x80"), r + r + r);
  EXPECT_EQ(lossy_utf8("\xC3\xC3\xA9"), r + "\xC3\xA9");
}

// Undoes quoted_name().
std::string unquoted(const std::string& text) {
  if (!text.starts_with('"')) return text;
  std::string bytes;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes += text[i];
      continue;
    }
    const char c = text[++i];
    static constexpr std::string_view kLetters = "abtnvfr\"\\";
    const std::size_t letter = kLetters.find(c);
    if (letter != std::string_view::npos) {
      bytes += "\a\b\t\n\v\f\r\"\\"[letter];
    } else {
      bytes += static_cast<char>(std::stoi(text.substr(i, 3), nullptr, 8));
      i += 2;
    }
  }
  return bytes;
}

TEST(PrintableTest, AnyNameIsOneLineAndCanBeReadBack) {
  std::mt19937 random(20'261'128);
  static constexpr std::string_view kBytes =
      "ab%\"\\\n\t\x1B\xC2\x9B\xC3\xA9\xE2\x80\xA8\xAC\xED\xA0\xF0\x9F\x98\x80\xFF";
  for (int round = 0; round < 20000; ++round) {
    std::string bytes;
    for (std::size_t size = random() % 10; bytes.size() < size;) {
      bytes.push_back(kBytes[random() % kBytes.size()]);
    }
    const std::string text = quoted_name(bytes);
    ASSERT_EQ(unquoted(text), bytes);
    for (const std::string& shown : {text, escaped(bytes)}) {
      for (std::string_view left = shown; !left.empty();) {
        const std::size_t plain = plain_character_bytes(left);
        ASSERT_GT(plain, 0u) << text;
        left.remove_prefix(plain);
      }
    }
    ASSERT_TRUE(is_valid_utf8(lossy_utf8(bytes)));
  }
}

TEST(PrintableTest, AShellReadsAWordAsTheName) {
  EXPECT_EQ(shell_word("github.com/owner/repo-1.2"), "github.com/owner/repo-1.2");
  EXPECT_EQ(shell_word("a b"), "'a b'");
  EXPECT_EQ(shell_word("it's $HOME"), R"('it'\''s $HOME')");
  EXPECT_EQ(shell_word("\xC3\xA9"), "'\xC3\xA9'");
  EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace bale
