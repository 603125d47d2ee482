// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// zstd as the pack format uses it: a payload is a sequence of frames.
//
// bale writes frames of at most 1 MiB of content, so that any level needs only a few MiB and parts
// of a large payload can be read separately. It also reads other writers' payloads: frames of any
// size with windows of up to 128 MiB, and skippable frames.
//
// Stored bytes are untrusted. Messages do not name a file: the caller prepends file and offset. The
// classes are not thread-safe; each may move from thread to thread.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "bale/bytes.h"
#include "bale/result.h"
#include "base/budget.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace bale {

/// The most content in one of bale's frames. A longer payload has full frames and a last one with
/// the rest.
constexpr std::size_t kFrameBytes = std::size_t{1} << 20;

/// Frames that need a larger window are refused.
constexpr std::uint64_t kMaxWindowBytes = std::uint64_t{1} << 27;

constexpr int kMinLevel = 1;
constexpr int kMaxLevel = 22;

/// A frame without content. A writer appends it to a compressed payload that has its content's
/// length, which readers would otherwise treat as raw.
constexpr std::array<std::byte, 8> kEmptySkippableFrame = {
    std::byte{0x50}, std::byte{0x2A}, std::byte{0x4D}, std::byte{0x18},
    std::byte{0},    std::byte{0},    std::byte{0},    std::byte{0}};

/// Whether a reader of the format treats the bytes as zstd: they begin with 28 B5 2F FD.
[[nodiscard]] bool starts_with_zstd_magic(Bytes bytes);

/// The most bytes that these frames can decompress to: exact if every frame states its size, as
/// bale's do. The frames are untrusted: bound the value before allocating that much. kCorrupt if
/// they are not whole frames. Reads block headers only.
Result<std::uint64_t> content_bound(Bytes stored);

/// Compresses frames at one level. All memory is allocated in create().
class Compressor {
 public:
  /// The charge of a Compressor of this level, 1..22. Pages are touched only as needed.
  [[nodiscard]] static std::uint64_t memory_bytes(int level);

  /// kInvalidArgument for a level outside 1..22, kLimitExceeded if memory_bytes(level) do not fit.
  /// The budget must outlive the Compressor.
  [[nodiscard]] static Result<Compressor> create(Budget& budget, int level);

  /// The longest frame for content of this size.
  [[nodiscard]] static std::size_t bound(std::size_t content_bytes);

  /// Writes one frame, with the content's size in its header and without a checksum, and returns
  /// its length. The frame depends only on level and content. Requires content.size() <=
  /// kFrameBytes. kLimitExceeded, with `out` undefined, if the frame does not fit, which cannot
  /// happen with bound() bytes.
  Result<std::size_t> compress(Bytes content, MutableBytes out);

 private:
  Compressor(Buffer memory, ZSTD_CCtx_s* context, int level)
      : memory_(std::move(memory)), context_(context), level_(level) {}

  Buffer memory_;
  ZSTD_CCtx_s* context_;  // in memory_
  int level_;
};

/// Decompresses payloads that are entirely in memory. The output serves as the window.
class Decompressor {
 public:
  /// The charge of a Decompressor: about 94 KiB.
  [[nodiscard]] static std::uint64_t memory_bytes();

  /// kLimitExceeded if memory_bytes() do not fit. The budget must outlive the Decompressor.
  [[nodiscard]] static Result<Decompressor> create(Budget& budget);

  /// Decompresses all of `stored` into all of `out`. kCorrupt, with `out` undefined, unless
  /// `stored` is a sequence of whole frames with out.size() bytes of content.
  Result<void> decompress(Bytes stored, MutableBytes out);

  /// The same for content of unknown size, which it returns. kCorrupt if it exceeds out.size().
  /// content_bound(stored) bytes are always enough.
  Result<std::size_t> decompress_at_most(Bytes stored, MutableBytes out);

 private:
  Decompressor(Buffer memory, ZSTD_DCtx_s* context)
      : memory_(std::move(memory)), context_(context) {}

  Buffer memory_;
  ZSTD_DCtx_s* context_;  // in memory_
};

/// Decompresses a payload that is too large for memory, piece by piece.
///
///   StreamDecompressor stream(budget, content_bytes);
///   while (stored bytes are left) {
///     TRY(stream.feed(piece, [&](Bytes content) -> Result<void> { ... }));
///   }
///   TRY(stream.finish());
///
/// Memory is charged when a frame begins: its window, at most 128 MiB or the content size in the
/// header, and some 600 KiB. bale's own frames take 1.6 MiB. Content is passed on before its frame
/// ends: it is not verified before finish(). After an error every further call fails with that
/// error.
class StreamDecompressor {
 public:
  /// Receives content; an Error stops the stream. The bytes are valid only during the call.
  using Sink = std::function<Result<void>(Bytes content)>;

  /// `content_bytes`: the required size of the payload's content. Allocates nothing yet. The budget
  /// must outlive the stream.
  StreamDecompressor(Budget& budget, std::uint64_t content_bytes)
      : budget_(&budget), content_bytes_left_(content_bytes) {}

  /// Decompresses the next stored bytes, any number, and passes the content to `sink` in pieces of
  /// at most 128 KiB. kCorrupt if the bytes are damaged or yield more than content_bytes;
  /// kLimitExceeded, with the memory that would suffice, if a window does not fit into the budget;
  /// or the sink's error.
  Result<void> feed(Bytes stored, const Sink& sink);

  /// Ends the payload: kCorrupt if it ends inside a frame or had less content than expected. Frees
  /// the memory.
  Result<void> finish();

 private:
  enum class State : std::uint8_t { kHeader, kSkipping, kFrame };

  Result<void> feed_pieces(Bytes stored, const Sink& sink);
  Result<std::size_t> feed_header(Bytes stored, const Sink& sink);
  Result<void> begin_frame(std::uint64_t window_bytes, std::uint64_t frame_content_bytes);
  Result<std::size_t> feed_frame(Bytes stored, const Sink& sink);
  Result<void> ensure_memory(std::uint64_t window_bytes, std::uint64_t frame_content_bytes);

  Budget* budget_;
  std::uint64_t content_bytes_left_;
  State state_ = State::kHeader;
  std::array<std::byte, 18> header_{};  // the longest frame header
  std::size_t header_bytes_ = 0;        // bytes of it so far
  std::uint64_t skip_bytes_left_ = 0;
  Buffer memory_;                   // one piece of output, then the context with its window
  ZSTD_DCtx_s* context_ = nullptr;  // in memory_
  std::optional<Error> first_error_;
};

}  // namespace bale
