// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// One-shot compression and decompression. Contexts are placed in our own buffers: the charge is
// then exactly the memory that zstd can use, and it is not freed and reallocated when small
// payloads follow large ones, as with contexts from the heap.

#include "codec/zstd.h"

#define ZSTD_STATIC_LINKING_ONLY  // static contexts, size estimates, frame headers
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/counted.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/try.h"
#include "codec/zstd_error.h"

namespace bale {
namespace {

// zstd has its own table of parameters for each of these tiers of content sizes, and a small tier's
// tables may be larger than a large one's. Within a tier, more content never takes less memory.
constexpr std::size_t kTierBytes[] = {std::size_t{16} << 10, std::size_t{128} << 10,
                                      std::size_t{256} << 10, kFrameBytes};

// The length of the first frame of `stored`, after checking its header.
Result<std::size_t> frame_length(Bytes stored, ZSTD_frameHeader& header) {
  const std::size_t status = ZSTD_getFrameHeader(&header, stored.data(), stored.size());
  if (ZSTD_isError(status) != 0) return damaged_frame(status);
  if (status > 0) return fail(ErrorCode::kCorrupt, "compressed data ends inside a frame header");
  if (header.frameType == ZSTD_frame && header.windowSize > kMaxWindowBytes) {
    return fail(ErrorCode::kCorrupt, "a zstd frame asks for a window of {} (at most {} is allowed)",
                format_bytes(header.windowSize), format_bytes(kMaxWindowBytes));
  }
  const std::size_t length = ZSTD_findFrameCompressedSize(stored.data(), stored.size());
  if (ZSTD_isError(length) != 0) return damaged_frame(length);
  return length;
}

}  // namespace

bool starts_with_zstd_magic(Bytes bytes) {
  return bytes.size() >= 4 && load_le<std::uint32_t>(bytes.data()) == ZSTD_MAGICNUMBER;
}

Result<std::uint64_t> content_bound(Bytes stored) {
  const unsigned long long bound = ZSTD_decompressBound(stored.data(), stored.size());
  if (bound == ZSTD_CONTENTSIZE_ERROR) {
    return fail(ErrorCode::kCorrupt, "compressed data is not a row of whole zstd frames");
  }
  return bound;
}

std::uint64_t Compressor::memory_bytes(int level) {
  level = std::clamp(level, kMinLevel, kMaxLevel);
  std::size_t most = 0;
  for (const std::size_t tier : kTierBytes) {
    most = std::max(most, ZSTD_estimateCCtxSize_usingCParams(ZSTD_getCParams(level, tier, 0)));
  }
  CHECK(ZSTD_isError(most) == 0);
  return most;
}

Result<Compressor> Compressor::create(Budget& budget, int level) {
  if (level < kMinLevel || level > kMaxLevel) {
    return fail(ErrorCode::kInvalidArgument, "there is no compression level {} (use {} to {})",
                level, kMinLevel, kMaxLevel);
  }
  Buffer memory = TRY(Buffer::allocate(budget, memory_bytes(level), "compression"));
  ZSTD_CCtx* context = ZSTD_initStaticCCtx(memory.data(), memory.size());
  CHECK(context != nullptr);
  return Compressor(std::move(memory), context, level);
}

std::size_t Compressor::bound(std::size_t content_bytes) {
  return ZSTD_compressBound(content_bytes);
}

Result<std::size_t> Compressor::compress(Bytes content, MutableBytes out) {
  CHECK(content.size() <= kFrameBytes);
  const std::size_t size =
      ZSTD_compressCCtx(context_, out.data(), out.size(), content.data(), content.size(), level_);
  if (ZSTD_isError(size) != 0) {
    // The only possible error is too small an output.
    CHECK(ZSTD_getErrorCode(size) == ZSTD_error_dstSize_tooSmall);
    return fail(ErrorCode::kLimitExceeded, "{} do not compress to {}", format_bytes(content.size()),
                format_bytes(out.size()));
  }
  return size;
}

std::uint64_t Decompressor::memory_bytes() {
  return ZSTD_estimateDCtxSize();
}

Result<Decompressor> Decompressor::create(Budget& budget) {
  Buffer memory = TRY(Buffer::allocate(budget, memory_bytes(), "decompression"));
  ZSTD_DCtx* context = ZSTD_initStaticDCtx(memory.data(), memory.size());
  CHECK(context != nullptr);
  return Decompressor(std::move(memory), context);
}

Result<void> Decompressor::decompress(Bytes stored, MutableBytes out) {
  const std::size_t size = TRY(decompress_at_most(stored, out));
  if (size != out.size()) {
    return fail(ErrorCode::kCorrupt, "compressed data holds {} of content, not {}",
                counted(size, "byte"), out.size());
  }
  return {};
}

Result<std::size_t> Decompressor::decompress_at_most(Bytes stored, MutableBytes out) {
  // Frame by frame, so that too large a window is refused here as by StreamDecompressor: whether a
  // pack is damaged must not depend on how it is read.
  std::size_t filled = 0;
  while (!stored.empty()) {
    ZSTD_frameHeader header{};
    const std::size_t length = TRY(frame_length(stored, header));
    if (header.frameType == ZSTD_frame) {
      const MutableBytes rest = out.subspan(filled);
      const std::size_t size =
          ZSTD_decompressDCtx(context_, rest.data(), rest.size(), stored.data(), length);
      if (ZSTD_isError(size) != 0) {
        if (ZSTD_getErrorCode(size) != ZSTD_error_dstSize_tooSmall) return damaged_frame(size);
        return fail(ErrorCode::kCorrupt, "compressed data holds more than {} of content",
                    counted(out.size(), "byte"));
      }
      filled += size;
    }
    stored = stored.subspan(length);
  }
  return filled;
}

}  // namespace bale
