// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// StreamDecompressor. zstd's own streaming would allocate whatever window a frame's header claims.
// So each header is collected and checked here first; only then is memory charged for the frame and
// zstd given the bytes.
//
// memory_:  | one piece of output | context, block of input, window |

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/counted.h"
#include "base/error.h"
#include "base/try.h"
#include "codec/zstd.h"
#include "codec/zstd_error.h"

#define ZSTD_STATIC_LINKING_ONLY  // static contexts, size estimates, frame headers
#include <zstd.h>

namespace bale {
namespace {

constexpr std::size_t kPieceBytes = ZSTD_BLOCKSIZE_MAX;

static_assert(ZSTD_FRAMEHEADERSIZE_MAX == 18, "StreamDecompressor::header_ holds any header");

}  // namespace

Result<void> StreamDecompressor::feed(Bytes stored, const Sink& sink) {
  if (first_error_) return *first_error_;
  Result<void> result = feed_pieces(stored, sink);
  if (!result) first_error_ = result.error();
  return result;
}

Result<void> StreamDecompressor::feed_pieces(Bytes stored, const Sink& sink) {
  while (!stored.empty()) {
    std::size_t consumed = 0;
    switch (state_) {
      case State::kHeader:
        consumed = TRY(feed_header(stored, sink));
        break;
      case State::kSkipping:
        consumed =
            static_cast<std::size_t>(std::min<std::uint64_t>(stored.size(), skip_bytes_left_));
        skip_bytes_left_ -= consumed;
        if (skip_bytes_left_ == 0) state_ = State::kHeader;
        break;
      case State::kFrame:
        consumed = TRY(feed_frame(stored, sink));
        break;
    }
    stored = stored.subspan(consumed);
  }
  return {};
}

Result<std::size_t> StreamDecompressor::feed_header(Bytes stored, const Sink& sink) {
  // A byte at a time: headers are short, and a frame that is shorter than the longest header must
  // not lose the beginning of the next one.
  std::size_t consumed = 0;
  while (consumed < stored.size()) {
    CHECK(header_bytes_ < header_.size());
    header_[header_bytes_++] = stored[consumed++];
    ZSTD_frameHeader header{};
    const std::size_t status = ZSTD_getFrameHeader(&header, header_.data(), header_bytes_);
    if (ZSTD_isError(status) != 0) return damaged_frame(status);
    if (status > 0) {
      if (header_bytes_ < header_.size()) continue;
      return fail(ErrorCode::kCorrupt, "compressed data has an endless frame header");
    }
    const std::size_t header_bytes = std::exchange(header_bytes_, 0);
    if (header.frameType == ZSTD_skippableFrame) {
      skip_bytes_left_ = header.frameContentSize;
      if (skip_bytes_left_ > 0) state_ = State::kSkipping;
      return consumed;
    }
    TRY(begin_frame(header.windowSize, header.frameContentSize));
    const std::size_t taken = TRY(feed_frame(Bytes(header_).first(header_bytes), sink));
    CHECK(taken == header_bytes);
    return consumed;
  }
  return consumed;
}

Result<void> StreamDecompressor::begin_frame(std::uint64_t window_bytes,
                                             std::uint64_t frame_content_bytes) {
  if (window_bytes > kMaxWindowBytes) {
    return fail(ErrorCode::kCorrupt, "a zstd frame asks for a window of {} (at most {} is allowed)",
                format_bytes(window_bytes), format_bytes(kMaxWindowBytes));
  }
  if (frame_content_bytes != ZSTD_CONTENTSIZE_UNKNOWN &&
      frame_content_bytes > content_bytes_left_) {
    return fail(ErrorCode::kCorrupt, "compressed data holds more content than it should");
  }
  TRY(ensure_memory(window_bytes, frame_content_bytes));
  const std::size_t status = ZSTD_DCtx_reset(context_, ZSTD_reset_session_only);
  CHECK(ZSTD_isError(status) == 0);
  state_ = State::kFrame;
  return {};
}

Result<void> StreamDecompressor::ensure_memory(std::uint64_t window_bytes,
                                               std::uint64_t frame_content_bytes) {
  const std::size_t window = ZSTD_decodingBufferSize_min(window_bytes, frame_content_bytes);
  CHECK(ZSTD_isError(window) == 0);
  const std::size_t needed = kPieceBytes + ZSTD_estimateDCtxSize() + ZSTD_BLOCKSIZE_MAX + window;
  if (memory_.size() >= needed) return {};
  // Frames are independent: free the old window before allocating the new one.
  memory_ = Buffer();
  memory_ = TRY(Buffer::allocate(*budget_, needed, "the window of a zstd frame"));
  const MutableBytes workspace = memory_.span().subspan(kPieceBytes);
  context_ = ZSTD_initStaticDCtx(workspace.data(), workspace.size());
  CHECK(context_ != nullptr);
  return {};
}

Result<std::size_t> StreamDecompressor::feed_frame(Bytes stored, const Sink& sink) {
  ZSTD_inBuffer in{.src = stored.data(), .size = stored.size(), .pos = 0};
  bool more = true;
  while (more) {
    ZSTD_outBuffer out{.dst = memory_.data(), .size = kPieceBytes, .pos = 0};
    const std::size_t status = ZSTD_decompressStream(context_, &out, &in);
    if (ZSTD_isError(status) != 0) return damaged_frame(status);
    if (out.pos > content_bytes_left_) {
      return fail(ErrorCode::kCorrupt, "compressed data holds more content than it should");
    }
    content_bytes_left_ -= out.pos;
    if (out.pos > 0) TRY(sink(memory_.span().first(out.pos)));
    if (status == 0) {
      state_ = State::kHeader;
      return in.pos;
    }
    // After a full piece, content may be left although the input is consumed.
    more = in.pos < in.size || out.pos == out.size;
  }
  return in.pos;
}

Result<void> StreamDecompressor::finish() {
  if (first_error_) return *first_error_;
  memory_ = Buffer();
  if (state_ != State::kHeader || header_bytes_ > 0) {
    first_error_ = fail(ErrorCode::kCorrupt, "compressed data ends inside a frame");
  } else if (content_bytes_left_ > 0) {
    first_error_ = fail(ErrorCode::kCorrupt, "compressed data holds {} of content too few",
                        counted(content_bytes_left_, "byte"));
  }
  if (first_error_) return *first_error_;
  return {};
}

}  // namespace bale
