// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "codec/delta_encoder.h"

#include <algorithm>
#include <string>
#include <vector>

#include "codec/delta.h"
#include "codec/zstd.h"
#include "testing/matchers.h"
#include "testing/test_bytes.h"

namespace bale {
namespace {

using Vector = std::vector<std::byte>;

class DeltaEncoderTest : public testing::Test {
 protected:
  static DeltaEncoder make(Budget& budget, std::size_t max_base_bytes) {
    Result<DeltaEncoder> encoder = DeltaEncoder::create(budget, max_base_bytes);
    EXPECT_THAT(encoder, IsOk());
    return std::move(encoder).value();
  }

  // The program for `target`, checked to rebuild it.
  Vector encoded(const Vector& base, const Vector& target) {
    encoder_.index(base);
    Vector program(DeltaEncoder::bound(target.size()));
    const std::optional<std::size_t> size = encoder_.encode(target, program);
    EXPECT_TRUE(size.has_value());
    program.resize(size.value_or(0));
    Vector rebuilt(target.size());
    EXPECT_THAT(apply_delta(base, program, rebuilt), IsOk());
    EXPECT_TRUE(rebuilt == target);
    EXPECT_FALSE(starts_with_zstd_magic(program));
    return program;
  }

  Budget budget_{std::uint64_t{64} << 20};
  DeltaEncoder encoder_ = make(budget_, 20 << 20);
};

TEST_F(DeltaEncoderTest, EditedVersionsComeBack) {
  TestRandom random(3);
  for (int round = 0; round < 400; ++round) {
    const Vector base = round % 2 == 0 ? text_bytes(random, random.below(20'000))
                                       : random_bytes(random, random.below(3'000));
    const Vector target = edited(random, base, random.below(20));
    encoded(base, target);
  }
}

TEST_F(DeltaEncoderTest, UnrelatedAndTinyPairsComeBack) {
  TestRandom random(4);
  for (std::size_t base_size = 0; base_size < 40; ++base_size) {
    for (std::size_t target_size = 0; target_size < 40; ++target_size) {
      encoded(random_bytes(random, base_size), Vector(target_size, std::byte{'x'}));
      encoded(Vector(base_size, std::byte{'x'}), Vector(target_size, std::byte{'x'}));
    }
  }
}

TEST_F(DeltaEncoderTest, OneChangedWordTakesAFewBytes) {
  TestRandom random(5);
  const Vector base = text_bytes(random, 50'000);
  Vector target = base;
  target.insert(target.begin() + 31'337, 5, std::byte{'!'});
  EXPECT_LE(encoded(base, target).size(), 20u);
  EXPECT_LE(encoded(base, base).size(), 8u);
}

TEST_F(DeltaEncoderTest, ManySmallEditsCostInProportion) {
  TestRandom random(6);
  const Vector base = text_bytes(random, 200'000);
  const Vector target = edited(random, base, 100);
  // Each edit splits one copy into two or three and adds at most 60 bytes.
  EXPECT_LE(encoded(base, target).size(), 100u * 80);
}

// A line that occurs a thousand times must not hide the position where the match continues.
TEST_F(DeltaEncoderTest, EqualLinesDoNotHideTheRightOne) {
  std::string base;
  for (int i = 0; i < 1000; ++i) {
    base += "      return fail(ErrorCode::kCorrupt);\n    }\n" + std::to_string(i * 7919) + "\n";
  }
  std::string target = base;
  for (std::size_t at = 500; at < target.size(); at += 5000) target[at] = '#';
  const Bytes base_bytes = as_bytes(base);
  const Bytes target_bytes = as_bytes(target);
  const Vector program =
      encoded({base_bytes.begin(), base_bytes.end()}, {target_bytes.begin(), target_bytes.end()});
  EXPECT_LE(program.size(), target.size() / 5000 * 12 + 12);
}

TEST_F(DeltaEncoderTest, MovedBlocksAreFoundAtAnyPhase) {
  TestRandom random(7);
  const Vector base = random_bytes(random, 1000);
  for (std::size_t from = 0; from < 48; ++from) {
    // 31 bytes always hold a whole block of 16.
    const auto first = base.begin() + static_cast<std::ptrdiff_t>(from);
    Vector target = random_bytes(random, 10 + from);
    target.insert(target.end(), first, first + 31);
    EXPECT_LE(encoded(base, target).size(), 10 + from + 1 + 5);
  }
}

TEST_F(DeltaEncoderTest, LongForeignStretchesDoNotHideWhatFollows) {
  TestRandom random(8);
  const Vector base = random_bytes(random, 100'000);
  Vector target = random_bytes(random, 100'000);
  target.insert(target.end(), base.begin() + 50'000, base.begin() + 50'300);
  EXPECT_LE(encoded(base, target).size(), 100'000u + 100'000 / 128 + 1 + 10);
}

// Trap 2: an insert of 41 bytes at the start whose bytes make the program look like zstd.
TEST_F(DeltaEncoderTest, Trap2ProgramsNeverBeginWithTheZstdMagic) {
  TestRandom random(9);
  Vector target = random_bytes(random, 41);
  target[0] = std::byte{0xB5};
  target[1] = std::byte{0x2F};
  target[2] = std::byte{0xFD};
  EXPECT_EQ(encoded({}, target).size(), 43u);  // a literal of 40 bytes, one of 1
  const Vector base = random_bytes(random, 64);
  target.insert(target.end(), base.begin(), base.end());
  EXPECT_EQ(encoded(base, target).size(), 43u + 2);
  // Only that length does.
  target.resize(40);
  EXPECT_EQ(encoded({}, target).size(), 41u);
  target.resize(42);
  EXPECT_EQ(encoded({}, target).size(), 43u);
}

// Trap 3: a copy of 16 MiB or more does not fit into the three bytes of a size.
TEST_F(DeltaEncoderTest, Trap3CopiesOf16MiBAreSplit) {
  for (const std::size_t size : {0xFFFFFFu, 0x1000000u, 0x1000001u, 0x1000000u + 70'000}) {
    TestRandom random(10);
    const Vector base = random_bytes(random, size);
    EXPECT_LE(encoded(base, base).size(), 16u);
  }
}

TEST_F(DeltaEncoderTest, CopyOf65536FromTheStartIsNot0x80Alone) {
  TestRandom random(11);
  const Vector base = random_bytes(random, 65'536);
  const Vector program = encoded(base, base);
  EXPECT_GT(program.size(), 1u);
}

// Trap 12: zeros and other periodic data, in which all blocks are equal. (The benchmark measures
// linear time; a quadratic search would not finish this test.)
TEST_F(DeltaEncoderTest, Trap12PeriodicDataIsShortAndDoesNotStall) {
  for (const std::size_t period : {1u, 2u, 3u, 15u, 16u, 17u, 24u, 48u, 100u}) {
    Vector base(4 << 20);
    for (std::size_t at = 0; at < base.size(); ++at) base[at] = static_cast<std::byte>(at % period);
    Vector target = base;
    target.resize(base.size() - 12'345);
    target[1'000'000] ^= std::byte{1};
    EXPECT_LE(encoded(base, target).size(), 64u) << period;
    target.insert(target.end(), base.begin(), base.end());
    EXPECT_LE(encoded(base, target).size(), 96u) << period;
  }
}

TEST_F(DeltaEncoderTest, NoProgramIsLongerThanItsBound) {
  TestRandom random(12);
  const Vector base = random_bytes(random, 4'000);
  for (std::size_t round = 0; round < 200; ++round) {
    // The worst case: alternating literals and the shortest copies, with far offsets.
    Vector target;
    while (target.size() < 20 * round) {
      const Vector fresh = random_bytes(random, 1 + random.below(130));
      target.insert(target.end(), fresh.begin(), fresh.end());
      const auto from = base.begin() + static_cast<std::ptrdiff_t>(16 * random.below(240));
      target.insert(target.end(), from, from + 16);
    }
    EXPECT_LE(encoded(base, target).size(), DeltaEncoder::bound(target.size()));
  }
}

TEST_F(DeltaEncoderTest, RoomThatIsTooSmallGivesNothingAndIsNotOverrun) {
  TestRandom random(13);
  const Vector base = text_bytes(random, 5'000);
  const Vector target = edited(random, base, 10);
  const std::size_t needed = encoded(base, target).size();
  for (std::size_t room = 0; room <= needed; ++room) {
    Vector program(room + 1, std::byte{0xEE});
    const std::optional<std::size_t> size =
        encoder_.encode(target, MutableBytes(program).first(room));
    EXPECT_EQ(size.has_value(), room == needed) << room;
    EXPECT_EQ(program.back(), std::byte{0xEE});
  }
}

TEST_F(DeltaEncoderTest, HopelessPairsGiveNothing) {
  TestRandom random(14);
  const Vector base = random_bytes(random, 100'000);
  encoder_.index(base);
  Vector program(50'000);
  EXPECT_FALSE(encoder_.encode(random_bytes(random, 100'000), program).has_value());
}

TEST_F(DeltaEncoderTest, ProgramsDependOnTheirInputsAlone) {
  TestRandom random(15);
  const Vector base = text_bytes(random, 30'000);
  const Vector target = edited(random, base, 30);
  const Vector first = encoded(base, target);
  encoded(random_bytes(random, 500'000), random_bytes(random, 1'000));
  EXPECT_TRUE(encoded(base, target) == first);
  DeltaEncoder smaller = make(budget_, base.size());
  smaller.index(base);
  Vector program(first.size());
  EXPECT_EQ(smaller.encode(target, program), first.size());
  EXPECT_TRUE(program == first);
}

TEST_F(DeltaEncoderTest, OnlySoMuchOfALongBaseIsUsed) {
  TestRandom random(16);
  const Vector base = random_bytes(random, 4'096);
  DeltaEncoder small = make(budget_, 1'024);
  small.index(base);
  Vector program(2'000);
  EXPECT_TRUE(small.encode(Bytes(base).first(1'024), program).has_value());
  EXPECT_FALSE(small.encode(Bytes(base).subspan(1'024), program).has_value());
}

TEST_F(DeltaEncoderTest, MemoryIsChargedAndRefused) {
  const std::uint64_t before = budget_.used_bytes();
  {
    const DeltaEncoder encoder = make(budget_, 1 << 20);
    EXPECT_EQ(budget_.used_bytes() - before, DeltaEncoder::memory_bytes(1 << 20));
  }
  EXPECT_EQ(budget_.used_bytes(), before);
  EXPECT_LE(DeltaEncoder::memory_bytes(1 << 20), std::uint64_t{5} << 17);
  Budget small(1'000);
  EXPECT_THAT(DeltaEncoder::create(small, 1 << 20), FailsWith(ErrorCode::kLimitExceeded));
  EXPECT_THAT(DeltaEncoder::create(budget_, DeltaEncoder::kMaxBaseBytes + 1),
              FailsWith(ErrorCode::kInvalidArgument));
}

}  // namespace
}  // namespace bale
