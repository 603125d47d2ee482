// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "codec/zstd.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "testing/matchers.h"
#include "testing/test_bytes.h"

namespace bale {
namespace {

using Vector = std::vector<std::byte>;

Vector compressed(Compressor& compressor, Bytes content) {
  Vector out(Compressor::bound(content.size()));
  const Result<std::size_t> size = compressor.compress(content, out);
  EXPECT_THAT(size, IsOk());
  out.resize(size ? *size : 0);
  return out;
}

class ZstdTest : public testing::Test {
 protected:
  Result<void> decompress(Bytes stored, MutableBytes out) {
    Result<Decompressor> decompressor = Decompressor::create(budget_);
    if (!decompressor) return decompressor.error();
    return decompressor->decompress(stored, out);
  }

  Vector frame(Bytes content) {
    Result<Compressor> compressor = Compressor::create(budget_, 3);
    EXPECT_THAT(compressor, IsOk());
    return compressed(*compressor, content);
  }

  Budget budget_{std::uint64_t{64} << 20};
  TestRandom random_{20};
};

// zstd gets exactly the charged memory: if memory_bytes() were too small for some size of content,
// compress() would end the program.
TEST_F(ZstdTest, EveryLevelFitsIntoItsMemoryAtEverySize) {
  const Vector text = text_bytes(random_, kFrameBytes);
  const Vector noise = random_bytes(random_, kFrameBytes);
  for (int level = kMinLevel; level <= kMaxLevel; ++level) {
    ASSERT_OK_AND_ASSIGN(compressor, Compressor::create(budget_, level));
    EXPECT_EQ(budget_.used_bytes(), Compressor::memory_bytes(level));
    // The parameters change at 16, 128 and 256 KiB; slow levels test the large sizes once.
    for (const std::size_t size : {0u, 1u, 1'000u, 16u << 10, (16u << 10) + 1, 128u << 10,
                                   (128u << 10) + 1, 256u << 10, (256u << 10) + 1, 1u << 20}) {
      if (level > 12 && size > 128u << 10 && size != (256u << 10) + 1) continue;
      const Bytes content = level % 2 == 0 ? Bytes(text).first(size) : Bytes(noise).first(size);
      Vector out(size);
      ASSERT_OK_AND_ASSIGN(decompressor, Decompressor::create(budget_));
      ASSERT_THAT(decompressor.decompress(compressed(compressor, content), out), IsOk());
      EXPECT_TRUE(std::equal(out.begin(), out.end(), content.begin()));
    }
  }
}

TEST_F(ZstdTest, FullFramesFitAtTheHighestLevel) {
  const Vector text = text_bytes(random_, kFrameBytes);
  ASSERT_OK_AND_ASSIGN(compressor, Compressor::create(budget_, kMaxLevel));
  EXPECT_LT(compressed(compressor, text).size(), text.size() / 2);
}

TEST_F(ZstdTest, FramesDoNotDependOnWhatWentBefore) {
  for (const int level : {1, 3, 5, 7, 9, 12, 13, 16, 19, 22}) {
    const Vector text = text_bytes(random_, level > 12 ? 40'000 : 300'000);
    ASSERT_OK_AND_ASSIGN(fresh, Compressor::create(budget_, level));
    const Vector expected = compressed(fresh, text);
    ASSERT_OK_AND_ASSIGN(used, Compressor::create(budget_, level));
    for (const std::size_t size : {100u, 20'000u, 0u, 40'000u}) {
      compressed(used, Bytes(text).first(size));
      compressed(used, random_bytes(random_, size));
      EXPECT_TRUE(compressed(used, text) == expected) << level << " after " << size;
      Vector small(10);
      EXPECT_THAT(used.compress(text, small), FailsWith(ErrorCode::kLimitExceeded));
      EXPECT_TRUE(compressed(used, text) == expected) << level << " after a failure";
    }
  }
}

TEST_F(ZstdTest, FramesSayTheirContentSizeAndHaveNoChecksum) {
  const Vector text = text_bytes(random_, 5'000);
  const Vector stored = frame(text);
  EXPECT_TRUE(starts_with_zstd_magic(stored));
  EXPECT_EQ(std::to_integer<unsigned>(stored[4]) & 0x04u, 0u) << "checksum flag";
  EXPECT_EQ(std::to_integer<unsigned>(stored[4]) & 0x20u, 0x20u) << "single segment: no window";
  ASSERT_OK_AND_ASSIGN(bound, content_bound(stored));
  EXPECT_EQ(bound, text.size());
}

TEST_F(ZstdTest, LevelsOutOfRangeAreInvalid) {
  EXPECT_THAT(Compressor::create(budget_, 0), FailsWith(ErrorCode::kInvalidArgument, "level 0"));
  EXPECT_THAT(Compressor::create(budget_, 23), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(ZstdTest, MemoryThatDoesNotFitIsRefused) {
  Budget small(50'000);
  EXPECT_THAT(Compressor::create(small, 3), FailsWith(ErrorCode::kLimitExceeded, "compression"));
  EXPECT_THAT(Decompressor::create(small), FailsWith(ErrorCode::kLimitExceeded));
  EXPECT_EQ(small.used_bytes(), 0u);
}

TEST_F(ZstdTest, RowsOfFramesAndSkippableFramesComeBack) {
  const Vector text = text_bytes(random_, 30'000);
  Vector stored(kEmptySkippableFrame.begin(), kEmptySkippableFrame.end());
  append_bytes(stored, frame(Bytes(text).first(10'000)));
  append_bytes(stored, frame({}));
  append_bytes(stored, kEmptySkippableFrame);
  append_bytes(stored, frame(Bytes(text).subspan(10'000)));
  append_bytes(stored, kEmptySkippableFrame);
  Vector out(text.size());
  ASSERT_THAT(decompress(stored, out), IsOk());
  EXPECT_TRUE(out == text);
  EXPECT_EQ(*content_bound(stored), text.size());
}

// It avoids trap 1: eight bytes more, the same content.
TEST_F(ZstdTest, EmptySkippableFrameLengthensAPayloadWithoutChangingIt) {
  const Vector text = text_bytes(random_, 500);
  Vector stored = frame(text);
  append_bytes(stored, kEmptySkippableFrame);
  Vector out(text.size());
  ASSERT_THAT(decompress(stored, out), IsOk());
  EXPECT_TRUE(out == text);
  ASSERT_THAT(decompress(kEmptySkippableFrame, {}), IsOk());
  EXPECT_FALSE(starts_with_zstd_magic(kEmptySkippableFrame));
}

TEST_F(ZstdTest, ContentOfAnotherSizeIsCorrupt) {
  const Vector stored = frame(text_bytes(random_, 1'000));
  Vector less(999);
  Vector more(1'001);
  EXPECT_THAT(decompress(stored, less), FailsWith(ErrorCode::kCorrupt, "more than 999"));
  EXPECT_THAT(decompress(stored, more), FailsWith(ErrorCode::kCorrupt, "1000 bytes"));
  EXPECT_THAT(decompress({}, more), FailsWith(ErrorCode::kCorrupt));
}

TEST_F(ZstdTest, UnknownContentSizeIsReturned) {
  const Vector text = text_bytes(random_, 1'000);
  ASSERT_OK_AND_ASSIGN(decompressor, Decompressor::create(budget_));
  Vector out(1'500);
  ASSERT_OK_AND_ASSIGN(size, decompressor.decompress_at_most(frame(text), out));
  EXPECT_EQ(size, 1'000u);
  EXPECT_TRUE(std::equal(text.begin(), text.end(), out.begin()));
}

TEST_F(ZstdTest, EveryTruncationIsCorrupt) {
  Vector stored = frame(text_bytes(random_, 600));
  append_bytes(stored, kEmptySkippableFrame);
  const std::size_t first = stored.size() - 8;
  Vector out(600);
  for (std::size_t size = 0; size < stored.size(); ++size) {
    if (size == first) continue;  // a whole payload
    EXPECT_THAT(decompress(Bytes(stored).first(size), out), FailsWith(ErrorCode::kCorrupt)) << size;
    if (size > 0) {
      EXPECT_THAT(content_bound(Bytes(stored).first(size)), FailsWith(ErrorCode::kCorrupt)) << size;
    }
  }
}

TEST_F(ZstdTest, TrailingGarbageIsCorrupt) {
  Vector stored = frame(text_bytes(random_, 600));
  Vector out(600);
  for (int i = 0; i < 20; ++i) {
    stored.push_back(std::byte{0});
    EXPECT_THAT(decompress(stored, out), FailsWith(ErrorCode::kCorrupt)) << i;
  }
}

// Without a checksum a flipped bit may change the content, but not its size, and must not crash.
TEST_F(ZstdTest, FlippedBitsNeverLeaveTheOutput) {
  const Vector text = text_bytes(random_, 700);
  const Vector stored = frame(text);
  ASSERT_OK_AND_ASSIGN(decompressor, Decompressor::create(budget_));
  for (std::size_t bit = 0; bit < 8 * stored.size(); ++bit) {
    Vector damaged = stored;
    damaged[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    Vector out(text.size());
    const Result<void> result = decompressor.decompress(damaged, out);
    EXPECT_TRUE(result || result.error().code == ErrorCode::kCorrupt) << bit;
  }
  Vector out(text.size());
  ASSERT_THAT(decompressor.decompress(stored, out), IsOk());
  EXPECT_TRUE(out == text);
}

TEST_F(ZstdTest, WindowsAbove128MiBAreCorrupt) {
  // Magic, no content size, a window of 2^28; then an empty last block.
  Vector stored(kEmptySkippableFrame.begin(), kEmptySkippableFrame.end());
  for (const unsigned byte : {0x28u, 0xB5u, 0x2Fu, 0xFDu, 0x00u, (28u - 10) << 3, 1u, 0u, 0u}) {
    stored.push_back(static_cast<std::byte>(byte));
  }
  EXPECT_THAT(decompress(stored, {}), FailsWith(ErrorCode::kCorrupt, "window of 256.0 MiB"));
  stored[8 + 5] = static_cast<std::byte>((27u - 10) << 3);
  EXPECT_THAT(decompress(stored, {}), IsOk());
}

}  // namespace
}  // namespace bale
