// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "codec/delta.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "testing/matchers.h"
#include "testing/test_bytes.h"

namespace bale {
namespace {

constexpr std::string_view kBase = "0123456789abcdefghijklmnopqrstuvwxyz";

std::vector<std::byte> program(std::initializer_list<int> codes) {
  std::vector<std::byte> bytes;
  for (const int code : codes) bytes.push_back(static_cast<std::byte>(code));
  return bytes;
}

// The output of `codes` on kBase, for an object of `size` bytes.
Result<std::string> applied(std::initializer_list<int> codes, std::size_t size) {
  std::string out(size, '?');
  const Result<void> done =
      apply_delta(as_bytes(kBase), program(codes), std::as_writable_bytes(std::span<char>(out)));
  if (!done) return done.error();
  return out;
}

TEST(DeltaTest, InsertOfOpcodeXTakesXPlusOneBytes) {
  ASSERT_OK_AND_ASSIGN(out, applied({0x00, 'A', 0x02, 'B', 'C', 'D'}, 4));
  EXPECT_EQ(out, "ABCD");
}

TEST(DeltaTest, CopyTakesOffsetAndSizeBytesLowFirst) {
  ASSERT_OK_AND_ASSIGN(out, applied({0x91, 10, 3, 0x90, 2}, 5));
  EXPECT_EQ(out, "abc01");
}

TEST(DeltaTest, AllSevenBytesOfACopyAreRead) {
  ASSERT_OK_AND_ASSIGN(out, applied({0xFF, 34, 0, 0, 0, 2, 0, 0}, 2));
  EXPECT_EQ(out, "yz");
}

TEST(DeltaTest, CopySizeZeroMeans65536) {
  TestRandom random(1);
  const std::vector<std::byte> base = random_bytes(random, 65'540);
  std::vector<std::byte> out(65'536);
  ASSERT_THAT(apply_delta(base, program({0x81, 4}), out), IsOk());
  EXPECT_TRUE(std::equal(out.begin(), out.end(), base.begin() + 4));
  // The same with explicit size bytes of 0.
  ASSERT_THAT(apply_delta(base, program({0xF1, 3, 0, 0, 0}), out), IsOk());
  EXPECT_TRUE(std::equal(out.begin(), out.end(), base.begin() + 3));
  EXPECT_EQ(*delta_output_size(program({0x81, 4})), 65'536u);
}

TEST(DeltaTest, EmptyProgramMakesAnEmptyObject) {
  EXPECT_THAT(apply_delta({}, {}, {}), IsOk());
  EXPECT_THAT(applied({}, 1), FailsWith(ErrorCode::kCorrupt, "0 bytes, not 1"));
}

TEST(DeltaTest, Opcode0x80AloneIsRefused) {
  // Otherwise it would copy 65,536 bytes from offset 0.
  const std::vector<std::byte> base(65'536);
  std::vector<std::byte> out(65'536);
  EXPECT_THAT(apply_delta(base, program({0x80}), out), FailsWith(ErrorCode::kCorrupt, "0x80"));
  EXPECT_THAT(delta_output_size(program({0x80})), FailsWith(ErrorCode::kCorrupt));
}

TEST(DeltaTest, LiteralPastTheEndIsCorrupt) {
  EXPECT_THAT(applied({0x01, 'A'}, 2), FailsWith(ErrorCode::kCorrupt, "literal"));
  EXPECT_THAT(applied({0x7F}, 128), FailsWith(ErrorCode::kCorrupt, "literal"));
  EXPECT_THAT(delta_output_size(program({0x01, 'A'})), FailsWith(ErrorCode::kCorrupt));
}

TEST(DeltaTest, CopyOutsideTheBaseIsCorrupt) {
  EXPECT_THAT(applied({0x91, 35, 1}, 1), IsOk());
  EXPECT_THAT(applied({0x91, 35, 2}, 2), FailsWith(ErrorCode::kCorrupt, "leaves the base"));
  EXPECT_THAT(applied({0x91, 36, 1}, 1), FailsWith(ErrorCode::kCorrupt, "leaves the base"));
  EXPECT_THAT(applied({0x9F, 255, 255, 255, 255, 1}, 1), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(applied({0x81, 0}, 65'536), FailsWith(ErrorCode::kCorrupt, "leaves the base"));
}

TEST(DeltaTest, OutputOfAnotherSizeIsCorrupt) {
  EXPECT_THAT(applied({0x90, 5}, 6), FailsWith(ErrorCode::kCorrupt, "5 bytes, not 6"));
  EXPECT_THAT(applied({0x90, 5}, 4), FailsWith(ErrorCode::kCorrupt, "more than 4"));
  EXPECT_THAT(applied({0x01, 'A', 'B'}, 1), FailsWith(ErrorCode::kCorrupt, "more than 1"));
  EXPECT_THAT(applied({0x00, 'A'}, 0), FailsWith(ErrorCode::kCorrupt, "more than 0"));
}

TEST(DeltaTest, EveryTruncationIsCorrupt) {
  const std::vector<std::byte> whole =
      program({0x02, 'A', 'B', 'C', 0xF1, 7, 9, 0, 0, 0x00, 'Z', 0x9F, 1, 0, 0, 0, 4});
  std::vector<std::byte> out(3 + 9 + 1 + 4);
  ASSERT_THAT(apply_delta(as_bytes(kBase), whole, out), IsOk());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(apply_delta(as_bytes(kBase), Bytes(whole).first(size), out),
                FailsWith(ErrorCode::kCorrupt))
        << size;
  }
}

// Short runs are moved in fixed blocks: for every length and every distance from the end of base,
// program and output, only the run itself may change.
TEST(DeltaTest, WideMovesStayInside) {
  TestRandom random(2);
  for (std::size_t base_size = 1; base_size <= 70; ++base_size) {
    // Exactly sized, so that a sanitizer sees a step outside.
    const std::vector<std::byte> base = random_bytes(random, base_size);
    for (std::size_t size = 1; size <= base_size; ++size) {
      const std::size_t offset = base_size - size;
      std::vector<std::byte> copy =
          program({0x91, static_cast<int>(offset), static_cast<int>(size)});
      std::vector<std::byte> out(size);
      ASSERT_THAT(apply_delta(base, copy, out), IsOk());
      EXPECT_TRUE(
          std::equal(out.begin(), out.end(), base.end() - static_cast<std::ptrdiff_t>(size)));

      std::vector<std::byte> insert = program({static_cast<int>(size - 1)});
      insert.insert(insert.end(), base.begin(), base.begin() + static_cast<std::ptrdiff_t>(size));
      ASSERT_THAT(apply_delta({}, insert, out), IsOk());
      EXPECT_TRUE(std::equal(out.begin(), out.end(), base.begin()));
    }
  }
}

TEST(DeltaTest, ProgramsAreNeverLongerThanTheirBound) {
  // Seven operand bytes for one byte of output: the longest.
  const std::vector<std::byte> worst = program({0xFF, 1, 0, 0, 0, 1, 0, 0});
  EXPECT_EQ(worst.size(), max_program_bytes(*delta_output_size(worst)));
}

}  // namespace
}  // namespace bale
