// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#define ZSTD_STATIC_LINKING_ONLY  // window sizes that bale never writes
#include <zstd.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "codec/zstd.h"
#include "testing/matchers.h"
#include "testing/test_bytes.h"

namespace bale {
namespace {

using Vector = std::vector<std::byte>;

// A frame of another writer: streamed, with this window and without a content size.
Vector foreign_frame(Bytes content, int window_log) {
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  EXPECT_FALSE(ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log)));
  EXPECT_FALSE(ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0)));
  EXPECT_FALSE(ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)));
  Vector out(ZSTD_compressBound(content.size()));
  ZSTD_inBuffer in_buffer{.src = content.data(), .size = content.size(), .pos = 0};
  ZSTD_outBuffer out_buffer{.dst = out.data(), .size = out.size(), .pos = 0};
  // Two calls: with one, the library would write the content's size.
  EXPECT_FALSE(
      ZSTD_isError(ZSTD_compressStream2(context, &out_buffer, &in_buffer, ZSTD_e_continue)));
  EXPECT_EQ(ZSTD_compressStream2(context, &out_buffer, &in_buffer, ZSTD_e_end), 0u);
  ZSTD_freeCCtx(context);
  out.resize(out_buffer.pos);
  return out;
}

class ZstdStreamTest : public testing::Test {
 protected:
  // Feeds `stored` in pieces of `piece_bytes`.
  Result<Vector> streamed(Bytes stored, std::uint64_t content_bytes, std::size_t piece_bytes) {
    StreamDecompressor stream(budget_, content_bytes);
    Vector out;
    while (!stored.empty()) {
      const Bytes piece = stored.first(std::min(piece_bytes, stored.size()));
      TRY(stream.feed(piece, [&](Bytes content) -> Result<void> {
        append_bytes(out, content);
        return {};
      }));
      stored = stored.subspan(piece.size());
    }
    TRY(stream.finish());
    EXPECT_EQ(budget_.used_bytes(), 0u);
    return out;
  }

  // The payload as bale stores it: frames of kFrameBytes.
  Vector payload(Bytes content) {
    Result<Compressor> compressor = Compressor::create(budget_, 1);
    EXPECT_THAT(compressor, IsOk());
    Vector stored;
    while (!content.empty()) {
      const Bytes piece = content.first(std::min(kFrameBytes, content.size()));
      Vector frame(Compressor::bound(piece.size()));
      const Result<std::size_t> size = compressor->compress(piece, frame);
      EXPECT_THAT(size, IsOk());
      append_bytes(stored, Bytes(frame).first(*size));
      content = content.subspan(piece.size());
    }
    return stored;
  }

  Budget budget_{std::uint64_t{16} << 20};
  TestRandom random_{30};
};

TEST_F(ZstdStreamTest, RowsOfFramesComeBackInAnyPieces) {
  const Vector text = text_bytes(random_, 2 * kFrameBytes + 12'345);
  const Vector stored = payload(text);
  for (const std::size_t piece : {std::size_t{1000}, std::size_t{65'536}, stored.size()}) {
    ASSERT_OK_AND_ASSIGN(out, streamed(stored, text.size(), piece));
    EXPECT_TRUE(out == text) << piece;
  }
}

TEST_F(ZstdStreamTest, PiecesOfOneByteWork) {
  const Vector text = text_bytes(random_, 5'000);
  Vector stored(kEmptySkippableFrame.begin(), kEmptySkippableFrame.end());
  append_bytes(stored, payload(Bytes(text).first(2'000)));
  Vector skippable(kEmptySkippableFrame.begin(), kEmptySkippableFrame.end());
  skippable[4] = std::byte{3};
  append_bytes(skippable, as_bytes("abc"));
  append_bytes(stored, skippable);
  append_bytes(stored, payload(Bytes(text).subspan(2'000)));
  append_bytes(stored, kEmptySkippableFrame);
  for (std::size_t piece = 1; piece < 40; ++piece) {
    ASSERT_OK_AND_ASSIGN(out, streamed(stored, text.size(), piece));
    EXPECT_TRUE(out == text);
  }
}

TEST_F(ZstdStreamTest, OurOwnFramesNeedLessThanTwoMiB) {
  const Vector text = text_bytes(random_, 3 * kFrameBytes);
  const Vector stored = payload(text);
  Budget budget(std::uint64_t{7} << 18);  // 1.75 MiB
  StreamDecompressor stream(budget, text.size());
  std::size_t size = 0;
  ASSERT_THAT(stream.feed(stored,
                          [&](Bytes content) -> Result<void> {
                            size += content.size();
                            return {};
                          }),
              IsOk());
  EXPECT_THAT(stream.finish(), IsOk());
  EXPECT_EQ(size, text.size());
}

TEST_F(ZstdStreamTest, ForeignFramesWithAWindowComeBack) {
  const Vector text = text_bytes(random_, 3'000'000);
  Vector stored = foreign_frame(Bytes(text).first(1'000'000), 17);
  append_bytes(stored, foreign_frame(Bytes(text).subspan(1'000'000), 21));
  ASSERT_OK_AND_ASSIGN(out, streamed(stored, text.size(), 10'000));
  EXPECT_TRUE(out == text);
  // One-shot decompression gives the same, and block counts bound the content.
  ASSERT_OK_AND_ASSIGN(decompressor, Decompressor::create(budget_));
  Vector whole(text.size());
  EXPECT_THAT(decompressor.decompress(stored, whole), IsOk());
  EXPECT_TRUE(whole == text);
  ASSERT_OK_AND_ASSIGN(bound, content_bound(stored));
  EXPECT_GE(bound, text.size());
}

TEST_F(ZstdStreamTest, WindowBeyondTheBudgetNamesTheMemoryThatWouldDo) {
  const Vector text = text_bytes(random_, 10'000);
  const Vector stored = foreign_frame(text, 24);
  const auto refused = streamed(stored, text.size(), 100);
  ASSERT_THAT(refused, FailsWithHint(ErrorCode::kLimitExceeded, HintKind::kNeedsMemory));
  Budget enough(refused.error().hint.needed_bytes);
  EXPECT_LE(enough.limit_bytes(), std::uint64_t{17} << 20);
  StreamDecompressor stream(enough, text.size());
  EXPECT_THAT(stream.feed(stored, [](Bytes) -> Result<void> { return {}; }), IsOk());
  EXPECT_THAT(stream.finish(), IsOk());
}

TEST_F(ZstdStreamTest, WindowsUpTo128MiBAreTakenAndLargerOnesAreCorrupt) {
  Budget large(std::uint64_t{200} << 20);  // only touched pages become resident
  const Vector text = text_bytes(random_, 10'000);
  for (const int window_log : {27, 28}) {
    StreamDecompressor stream(large, text.size());
    const Result<void> fed =
        stream.feed(foreign_frame(text, window_log), [](Bytes) -> Result<void> { return {}; });
    if (window_log == 27) {
      EXPECT_THAT(fed, IsOk());
      EXPECT_THAT(stream.finish(), IsOk());
    } else {
      EXPECT_THAT(fed, FailsWith(ErrorCode::kCorrupt, "window of 256.0 MiB"));
    }
  }
}

TEST_F(ZstdStreamTest, EveryTruncationIsCorrupt) {
  Vector stored = payload(text_bytes(random_, 600));
  const std::size_t first = stored.size();
  append_bytes(stored, kEmptySkippableFrame);
  for (std::size_t size = 0; size < stored.size(); ++size) {
    if (size == first) continue;  // a whole payload
    EXPECT_THAT(streamed(Bytes(stored).first(size), 600, 7), FailsWith(ErrorCode::kCorrupt))
        << size;
  }
  EXPECT_THAT(streamed(stored, 600, 7), IsOk());
}

TEST_F(ZstdStreamTest, TrailingGarbageIsCorrupt) {
  Vector stored = payload(text_bytes(random_, 600));
  for (int i = 0; i < 20; ++i) {
    stored.push_back(std::byte{0});
    EXPECT_THAT(streamed(stored, 600, 50), FailsWith(ErrorCode::kCorrupt)) << i;
  }
}

TEST_F(ZstdStreamTest, ContentOfAnotherSizeIsCorrupt) {
  const Vector text = text_bytes(random_, 300'000);
  EXPECT_THAT(streamed(payload(text), text.size() - 1, 1000), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(streamed(payload(text), text.size() + 1, 1000), FailsWith(ErrorCode::kCorrupt));
  // Frames without a size are stopped while decompressing.
  const Vector stored = foreign_frame(text, 17);
  std::size_t given = 0;
  StreamDecompressor stream(budget_, 200'000);
  EXPECT_THAT(stream.feed(stored,
                          [&](Bytes content) -> Result<void> {
                            given += content.size();
                            return {};
                          }),
              FailsWith(ErrorCode::kCorrupt, "more content"));
  EXPECT_LE(given, 200'000u);
}

TEST_F(ZstdStreamTest, AnErrorIsForGood) {
  const Vector text = text_bytes(random_, 1'000);
  const Vector stored = payload(text);
  StreamDecompressor stream(budget_, text.size());
  const auto refuse = [](Bytes) -> Result<void> { return fail(ErrorCode::kIo, "disk full"); };
  EXPECT_THAT(stream.feed(stored, refuse), FailsWith(ErrorCode::kIo, "disk full"));
  EXPECT_THAT(stream.feed(stored, refuse), FailsWith(ErrorCode::kIo, "disk full"));
  EXPECT_THAT(stream.finish(), FailsWith(ErrorCode::kIo, "disk full"));
}

TEST_F(ZstdStreamTest, FlippedBitsNeverGiveMoreThanWasExpected) {
  const Vector text = text_bytes(random_, 700);
  const Vector stored = payload(text);
  for (std::size_t bit = 0; bit < 8 * stored.size(); ++bit) {
    Vector damaged = stored;
    damaged[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    const Result<Vector> out = streamed(damaged, text.size(), 100);
    if (out) {
      EXPECT_EQ(out->size(), text.size());
    } else {
      EXPECT_TRUE(out.error().code == ErrorCode::kCorrupt ||
                  out.error().code == ErrorCode::kLimitExceeded);
    }
  }
}

}  // namespace
}  // namespace bale
