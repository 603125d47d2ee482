// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// zstd as the pack format uses it: payloads are rows of frames, one after another.
//
// bale writes frames of at most 1 MiB of content, so that any level fits into a few MiB and a part
// of a large payload can be read alone. It reads whatever other writers made: frames of any size
// with windows of up to 128 MiB, skippable frames between them.
//
// Everything that is decompressed is untrusted. Messages do not know where the bytes came from: the
// caller puts the file and the offset in front. No class here is safe to use from two threads at
// once; each may move from thread to thread.

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

/// The most content that bale puts into one frame. A longer payload is a row of full frames and a
/// last one with the rest.
constexpr std::size_t kFrameBytes = std::size_t{1} << 20;

/// Frames that need a larger window to be read are refused, whoever wrote them.
constexpr std::uint64_t kMaxWindowBytes = std::uint64_t{1} << 27;

constexpr int kMinLevel = 1;
constexpr int kMaxLevel = 22;

/// A frame without content: what a writer appends to a compressed payload that would otherwise be
/// as long as its content, and so be taken for raw bytes.
constexpr std::array<std::byte, 8> kEmptySkippableFrame = {
    std::byte{0x50}, std::byte{0x2A}, std::byte{0x4D}, std::byte{0x18},
    std::byte{0},    std::byte{0},    std::byte{0},    std::byte{0}};

/// True for bytes that a reader of the format takes for zstd: they begin 28 B5 2F FD.
[[nodiscard]] bool starts_with_zstd_magic(Bytes bytes);

/// The most bytes that these frames can decompress to: exact where every frame says its size, as
/// all of bale's do. It is a claim of untrusted bytes: compare it with what can be true before
/// allocating that much. kCorrupt if they are not whole frames. Reads block headers only.
Result<std::uint64_t> content_bound(Bytes stored);

/// Makes frames at one level. Its memory is taken once, in create().
class Compressor {
 public:
  /// What a Compressor of this level charges to the budget; levels are 1..22. The memory is touched
  /// only as far as the contents need it.
  [[nodiscard]] static std::uint64_t memory_bytes(int level);

  /// kInvalidArgument for a level outside 1..22, kLimitExceeded if memory_bytes(level) do not fit.
  /// The budget must outlive the Compressor.
  [[nodiscard]] static Result<Compressor> create(Budget& budget, int level);

  /// Into this many bytes any content of that size can be compressed.
  [[nodiscard]] static std::size_t bound(std::size_t content_bytes);

  /// Writes one frame, with the content's size in its header and without a checksum, and returns
  /// its length. The frame depends on level and content alone, not on what went before. Requires
  /// content.size() <= kFrameBytes. kLimitExceeded if the frame is longer than `out`, which cannot
  /// happen with bound() bytes; what `out` holds is then undefined.
  Result<std::size_t> compress(Bytes content, MutableBytes out);

 private:
  Compressor(Buffer memory, ZSTD_CCtx_s* context, int level)
      : memory_(std::move(memory)), context_(context), level_(level) {}

  Buffer memory_;
  ZSTD_CCtx_s* context_;  // lies in memory_
  int level_;
};

/// Decompresses payloads that are in memory as a whole. No window is needed: the output is it.
class Decompressor {
 public:
  /// What a Decompressor charges to the budget: about 94 KiB.
  [[nodiscard]] static std::uint64_t memory_bytes();

  /// kLimitExceeded if memory_bytes() do not fit. The budget must outlive the Decompressor.
  [[nodiscard]] static Result<Decompressor> create(Budget& budget);

  /// Fills all of `out` from frames that must be whole, and make up all of `stored`. kCorrupt
  /// otherwise; what `out` holds is then undefined.
  Result<void> decompress(Bytes stored, MutableBytes out);

  /// The same for content whose size is not known beforehand: returns it. kCorrupt if it is more
  /// than out.size(). content_bound(stored) bytes are always enough.
  Result<std::size_t> decompress_at_most(Bytes stored, MutableBytes out);

 private:
  Decompressor(Buffer memory, ZSTD_DCtx_s* context)
      : memory_(std::move(memory)), context_(context) {}

  Buffer memory_;
  ZSTD_DCtx_s* context_;  // lies in memory_
};

/// Decompresses a payload that is too large for memory, piece by piece.
///
///   StreamDecompressor stream(budget, content_bytes);
///   while (stored bytes are left) {
///     TRY(stream.feed(piece, [&](Bytes content) -> Result<void> { ... }));
///   }
///   TRY(stream.finish());
///
/// Memory: charged when a frame begins, as much as that frame's header asks for: its window, never
/// more than 128 MiB nor than the frame's content where the header tells it, and some 600 KiB.
/// bale's own frames take 1.6 MiB. Content is given out before its frame's end was seen: nothing is
/// proven before finish(). After an error every further call fails with that error.
class StreamDecompressor {
 public:
  /// Takes content; an Error stops the stream. The bytes are valid during the call only.
  using Sink = std::function<Result<void>(Bytes content)>;

  /// `content_bytes`: what the payload must decompress to. Takes no memory yet. The budget must
  /// outlive the stream.
  StreamDecompressor(Budget& budget, std::uint64_t content_bytes)
      : budget_(&budget), content_bytes_left_(content_bytes) {}

  /// Takes the next stored bytes, any number of them, and gives what they decompress to, in pieces
  /// of at most 128 KiB, to `sink`. kCorrupt if the bytes are damaged or are more than
  /// content_bytes; kLimitExceeded, with the memory that would do, if a window does not fit into
  /// the budget; or the sink's error.
  Result<void> feed(Bytes stored, const Sink& sink);

  /// Says whether the payload was whole: kCorrupt if it ends inside a frame, or had less content
  /// than expected. Gives the memory back.
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
  std::array<std::byte, 18> header_{};  // the longest frame header zstd has
  std::size_t header_bytes_ = 0;        // how many of them have come
  std::uint64_t skip_bytes_left_ = 0;
  Buffer memory_;                   // one piece of output, then the context with its window
  ZSTD_DCtx_s* context_ = nullptr;  // lies in memory_
  std::optional<Error> first_error_;
};

}  // namespace bale
