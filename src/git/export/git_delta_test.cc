// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "git/export/git_delta.h"

#include <algorithm>
#include <string>

#include "testing/matchers.h"
#include "testing/pack_fixture.h"

namespace bale {
namespace {

Result<std::string> recoded(const std::string& program, const DeltaSizes& sizes) {
  ByteVector out(git_delta_bound(program.size()));
  const Result<std::size_t> size = write_git_delta(as_bytes(program), sizes, out);
  if (!size) return size.error();
  return std::string(as_text(Bytes(out).first(*size)));
}

// Our program that inserts `size` bytes, in operations of at most `most`.
std::string inserts(std::size_t size, std::size_t most = 128) {
  std::string program;
  for (std::size_t done = 0; done < size;) {
    const std::size_t part = std::min(most, size - done);
    program += static_cast<char>(part - 1);
    program += std::string(part, 'x');
    done += part;
  }
  return program;
}

// Git's inserts of the same bytes, joined.
std::size_t joined_bytes(std::size_t size) {
  return size + (size + 126) / 127;
}

TEST(GitDeltaTest, CopiesStayAndInsertsCountFromOne) {
  ASSERT_OK_AND_ASSIGN(git, recoded("\x91\x02\x05\x01xy", {.base = 300, .object = 7}));
  EXPECT_EQ(git, "\xAC\x02\x07\x91\x02\x05\x02xy");
}

TEST(GitDeltaTest, ACopyOf65536HasNoSizeInEither) {
  ASSERT_OK_AND_ASSIGN(git, recoded("\x81\x01", {.base = 65'537, .object = 65'536}));
  EXPECT_EQ(git, std::string("\x81\x80\x04\x80\x80\x04\x81\x01", 8));
  EXPECT_THAT(recoded("\x81\x01", {.base = 65'536, .object = 65'536}),
              FailsWith(ErrorCode::kCorrupt, "leaves the base"));
}

TEST(GitDeltaTest, LiteralsAreJoinedAndCutAt127) {
  for (const std::size_t size : {1u, 2u, 126u, 127u, 128u, 129u, 254u, 255u, 256u, 257u, 16384u}) {
    for (const std::size_t most : {1u, 2u, 3u, 100u, 127u, 128u}) {
      const std::string program = inserts(size, most);
      ASSERT_OK_AND_ASSIGN(git, recoded(program, {.base = 5, .object = size}));
      const std::size_t header_bytes = 1 + (size < 128 ? 1 : size < 16384 ? 2 : 3);
      EXPECT_EQ(git.size(), header_bytes + joined_bytes(size)) << size << " by " << most;
      EXPECT_LE(git.size(), git_delta_bound(program.size()));
    }
  }
  // A copy between two runs of literals.
  ASSERT_OK_AND_ASSIGN(git, recoded(std::string("\0a\x90\x01\0b", 6), {.base = 5, .object = 3}));
  EXPECT_EQ(git,
            "\x05\x03\x01"
            "a\x90\x01\x01"
            "b");
}

TEST(GitDeltaTest, TheBoundHoldsForTheLongestLiterals) {
  for (std::size_t operations = 1; operations < 400; ++operations) {
    const std::size_t size = 128 * operations;
    ASSERT_OK_AND_ASSIGN(git, recoded(inserts(size), {.base = UINT64_MAX, .object = size}));
    EXPECT_LE(git.size(), git_delta_bound(129 * operations));
  }
}

TEST(GitDeltaTest, DamagedProgramsAreCorrupt) {
  const DeltaSizes sizes{.base = 10, .object = 4};
  const auto corrupt = [&](const std::string& program, const char* text) {
    EXPECT_THAT(recoded(program, sizes), FailsWith(ErrorCode::kCorrupt, text));
  };
  corrupt("", "makes 0 bytes, not 4");
  corrupt("\x01xy", "makes 2 bytes, not 4");
  corrupt("\x04vwxyz", "makes more than 4");
  corrupt("\x90\x05", "makes more than 4");
  corrupt("\x03xyz", "a literal runs past the end");
  corrupt("\x91\x07", "cut off");
  corrupt("\x91\x07\x04", "leaves the base");
  corrupt("\x91\x0B\x04", "leaves the base");
  corrupt("\x80", "0x80");
  EXPECT_THAT(recoded("\x91\x06\x04", sizes), IsOk());
}

}  // namespace
}  // namespace bale
