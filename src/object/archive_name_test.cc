// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "bale/archive_name.h"

#include "testing/matchers.h"

namespace bale {
namespace {

TEST(ArchiveNameTest, OrdinaryNamesAreValid) {
  for (const std::string_view name :
       {"a", "linux", "c++", "a-b.c_d", "100%", "caf\xC3\xA9", "a b", "~x", "\xC2\xA0",
        "\xF0\x9F\x98\x80", "a..b", "a/b", "github.com/owner/repo", "a/b-", "a/b.lock"}) {
    EXPECT_THAT(check_archive_name(name), IsOk()) << name;
  }
  EXPECT_THAT(check_archive_name(std::string(200, 'a')), IsOk());
}

TEST(ArchiveNameTest, OtherNamesAreInvalid) {
  for (const std::string_view name : {"",
                                      "-a",
                                      ".",
                                      "..",
                                      ".a",
                                      "/",
                                      "a@1",
                                      "a:b",
                                      "a\nb",
                                      "a\x7F",
                                      "\x1B[1m",
                                      "a\xFF",
                                      "\xC0\xAF",
                                      "a\xC2\x9Bm",
                                      "\xC3\xA9\xC2\x80",
                                      "/a",
                                      "a/",
                                      "a//b",
                                      "a/.b",
                                      "a/-b",
                                      "a/..",
                                      "a/./b",
                                      "../a",
                                      "a/b@",
                                      "a@/b",
                                      "a/b:c",
                                      "a/\nb",
                                      "\xC2\xA9\xC2\x9B"}) {
    EXPECT_THAT(check_archive_name(name), FailsWith(ErrorCode::kInvalidArgument)) << name;
  }
  EXPECT_THAT(check_archive_name(std::string_view("a\0", 2)),
              FailsWith(ErrorCode::kInvalidArgument, "a\\000"));
  EXPECT_THAT(check_archive_name(std::string(201, 'a')),
              FailsWith(ErrorCode::kInvalidArgument, "more than 200 bytes"));
  EXPECT_THAT(check_archive_name("a/" + std::string(199, 'a')),
              FailsWith(ErrorCode::kInvalidArgument, "more than 200 bytes"));
}

TEST(ArchivePathTest, EveryFormIsTakenApartInEveryWay) {
  const std::pair<std::string_view, std::vector<ArchivePath>> cases[] = {
      {"linux", {{.name = "linux"}}},
      {"linux@0", {{.name = "linux"}}},
      {"linux@12", {{.name = "linux", .record_back = 12}}},
      {"linux@18446744073709551615", {{.name = "linux", .record_back = UINT64_MAX}}},
      {"linux:", {{.name = "linux", .path = ""}}},
      {"linux:/", {{.name = "linux", .path = ""}}},
      {"linux:fs/ext4", {{.name = "linux", .path = "fs/ext4"}}},
      {"linux://fs//ext4/", {{.name = "linux", .path = "fs/ext4"}}},
      {"linux:a:b@1/...", {{.name = "linux", .path = "a:b@1/..."}}},
      {"linux:\xFF\n%41", {{.name = "linux", .path = "\xFF\n%41"}}},
      {"linux@3:fs", {{.name = "linux", .record_back = 3, .path = "fs"}}},
      {"linux/main:fs",
       {{.name = "linux/main", .path = "fs"}, {.name = "linux", .ref = "main", .path = "fs"}}},
      {"linux/v1.0", {{.name = "linux/v1.0"}, {.name = "linux", .ref = "v1.0"}}},
      {"linux@2/v1:a", {{.name = "linux", .record_back = 2, .ref = "v1", .path = "a"}}},
      {"linux@2/x@y/z", {{.name = "linux", .record_back = 2, .ref = "x@y/z"}}},
      {"a/b/c:d",
       {{.name = "a/b/c", .path = "d"},
        {.name = "a/b", .ref = "c", .path = "d"},
        {.name = "a", .ref = "b/c", .path = "d"}}},
      {"a/b@1/c:d",
       {{.name = "a/b", .record_back = 1, .ref = "c", .path = "d"},
        {.name = "a", .ref = "b@1/c", .path = "d"}}},
      // An invalid name or record number can be a ref.
      {"linux/-x", {{.name = "linux", .ref = "-x"}}},
      {"linux/heads/x@y:",
       {{.name = "linux/heads", .ref = "x@y", .path = ""},
        {.name = "linux", .ref = "heads/x@y", .path = ""}}},
  };
  for (const auto& [text, places] : cases) {
    SCOPED_TRACE(text);
    ASSERT_OK_AND_ASSIGN(parsed, parse_archive_path(text));
    EXPECT_EQ(parsed, places);
  }
}

TEST(ArchivePathTest, OtherFormsAreInvalid) {
  for (const std::string_view text :
       {"",     ":",         ":a",    "@1",    "/main:a",
        ".a:b", "-a",        "a@",    "a@x",   "a@-1",
        "a@+1", "a@ 1",      "a@1x",  "a@1@2", "a@18446744073709551616",
        "a@:b", "a@/main:b", "a/",    "a/:b",  "a:.",
        "a:..", "a:b/../c",  "a:./b", "a:b/.", "a/main:../x"}) {
    EXPECT_THAT(parse_archive_path(text), FailsWith(ErrorCode::kInvalidArgument)) << text;
  }
  // Only readings with a valid name count.
  ASSERT_OK_AND_ASSIGN(many, parse_archive_path("a" + std::string(100'000, '/') + "b"));
  EXPECT_EQ(many.size(), 1u);
}

TEST(RefNameTest, WhatGitAcceptsIsValid) {
  for (const std::string_view name :
       {"refs/heads/main", "refs/heads/a/b/c", "refs/tags/v1.0-rc+1", "refs/stash",
        "refs/pull/1/head", "refs/heads/@", "refs/heads/a@b", "refs/heads/foo./bar",
        "refs/heads/a.lock.b", "refs/heads/-x", "refs/heads/{", "refs/heads/\xFF\xC3\xA9",
        "refs/heads/a!b#c$d", "refs/heads/lock"}) {
    EXPECT_THAT(check_ref_name(name), IsOk()) << name;
  }
}

TEST(RefNameTest, WhatGitRefusesIsInvalid) {
  for (const std::string_view name : {"",
                                      "refs",
                                      "refs/",
                                      "HEAD",
                                      "main",
                                      "heads/main",
                                      "/refs/heads/a",
                                      "refs//a",
                                      "refs/heads/",
                                      "refs/heads//a",
                                      "refs/heads/a/",
                                      "refs/heads/.",
                                      "refs/heads/..",
                                      "refs/../a",
                                      "refs/heads/.a",
                                      "refs/.a/b",
                                      "refs/heads/a..b",
                                      "refs/heads/a.lock",
                                      "refs/a.lock/b",
                                      "refs/heads/a.",
                                      "refs/heads/a b",
                                      "refs/heads/a~b",
                                      "refs/heads/a^b",
                                      "refs/heads/a:b",
                                      "refs/heads/a?b",
                                      "refs/heads/a*b",
                                      "refs/heads/a[b",
                                      "refs/heads/a\\b",
                                      "refs/heads/a@{b",
                                      "refs/heads/a\nb",
                                      "refs/heads/a\tb",
                                      "refs/heads/a\x7F"}) {
    EXPECT_THAT(check_ref_name(name), FailsWith(ErrorCode::kInvalidArgument)) << name;
  }
  EXPECT_THAT(check_ref_name(std::string_view("refs/heads/a\0b", 14)),
              FailsWith(ErrorCode::kInvalidArgument, "a\\000b"));
}

}  // namespace
}  // namespace bale
