// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "object/safe_path.h"

#include <string>

#include "testing/matchers.h"

namespace bale {
namespace {

using std::string_view_literals::operator""sv;

TEST(EntryNameTest, OrdinaryAndOddNamesAreSafe) {
  for (const std::string_view name : {"a"sv,
                                      "README.md"sv,
                                      "..."sv,
                                      "..a"sv,
                                      " "sv,
                                      "-rf"sv,
                                      "a\nb"sv,
                                      "\xFF\xFE"sv,
                                      ".gitignore"sv,
                                      ".gitmodules"sv,
                                      ".github"sv,
                                      "git"sv,
                                      "git~10"sv,
                                      "git~2"sv,
                                      "xgit~1"sv,
                                      ".git_"sv,
                                      "a.git"sv,
                                      "..git"sv,
                                      "...git"sv,
                                      ".gi"sv,
                                      ".gita. "sv,
                                      ".git .x"sv,
                                      "\xE2\x80\x8C"sv,
                                      "a\\b"sv,
                                      "a\\..\\b"sv,
                                      "con"sv,
                                      ".git\xE2\x80\x90"sv,
                                      ".git\xC3\xA9"sv,
                                      ".gitx\xFF"sv,
                                      "caf\xC3\xA9"sv,
                                      ".g\xC4\xB1t"sv}) {
    EXPECT_THAT(check_entry_name(name), IsOk()) << name;
  }
}

TEST(EntryNameTest, NamesThatLeaveTheDirectoryAreRefused) {
  for (const std::string_view name : {""sv, "."sv, ".."sv, "/"sv, "a/b"sv, "../a"sv, "a/"sv,
                                      "/etc"sv, "a\0"sv, "a\0b"sv, "\0"sv}) {
    EXPECT_THAT(check_entry_name(name), FailsWith(ErrorCode::kCorrupt)) << name;
  }
}

TEST(EntryNameTest, DotGitIsRefusedInAnyCase) {
  for (unsigned upper = 0; upper < 8; ++upper) {
    std::string name = ".git";
    for (unsigned i = 0; i < 3; ++i) {
      if ((upper >> i & 1) != 0) name[i + 1] = static_cast<char>(name[i + 1] - 'a' + 'A');
    }
    EXPECT_THAT(check_entry_name(name), FailsWith(ErrorCode::kCorrupt)) << name;
  }
}

TEST(EntryNameTest, DotGitAsNtfsSeesItIsRefused) {
  for (const std::string_view name :
       {"git~1", "GIT~1", "gIt~1. .", "git~1:x", ".git.", ".git ", ".Git. . ", ".git...",
        ".git::$INDEX_ALLOCATION", ".git ::$INDEX_ALLOCATION", ".git. :s", ".git:", ".git\\config",
        "a\\.git", "a\\b\\.GIT\\c", "\\.git", "a\\git~1 \\x", ".git \\x", "a\\.git::$DATA"}) {
    EXPECT_THAT(check_entry_name(name), FailsWith(ErrorCode::kCorrupt)) << name;
  }
}

TEST(EntryNameTest, DotGitAsHfsSeesItIsRefused) {
  // Every code point that HFS+ ignores, at every position in the name, and several together.
  std::string all;
  const auto refuse_with = [](const std::string& ignorable) {
    for (std::size_t place = 0; place <= 4; ++place) {
      const std::string name = std::string(".gIt").insert(place, ignorable);
      EXPECT_THAT(check_entry_name(name), FailsWith(ErrorCode::kCorrupt)) << name;
    }
  };
  const auto range = [&](std::string lead, unsigned first, unsigned last) {
    for (unsigned byte = first; byte <= last; ++byte) {
      const std::string ignorable = lead + static_cast<char>(byte);
      refuse_with(ignorable);
      all += ignorable;
    }
    // The neighbours are not ignored, so the name differs.
    for (const unsigned byte : {first - 1, last + 1}) {
      if (byte < 0x80 || byte > 0xBF) continue;
      EXPECT_THAT(check_entry_name(".g" + lead + static_cast<char>(byte) + "it"), IsOk());
    }
  };
  range("\xE2\x80", 0x8C, 0x8F);
  range("\xE2\x80", 0xAA, 0xAE);
  range("\xE2\x81", 0xAA, 0xAF);
  range("\xEF\xBB", 0xBF, 0xBF);
  refuse_with(all);
}

TEST(EntryNameTest, BytesThatAreNotUtf8EndTheNameForHfs) {
  EXPECT_THAT(check_entry_name(".git\xFFx"), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(check_entry_name(".git\xE2\x80"), FailsWith(ErrorCode::kCorrupt));
}

TEST(EntryNameTest, TheMessageIsOneLine) {
  EXPECT_THAT(check_entry_name("a\n/\xFF"), FailsWith(ErrorCode::kCorrupt, "'a\\n/\\377'"));
}

}  // namespace
}  // namespace bale
