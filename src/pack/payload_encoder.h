// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// PayloadEncoder: how a payload is stored, raw or compressed. One lane of the build pipeline: it
// has a compression context of its own and knows nothing of files or of other lanes.
//
// Small payloads, and those that do not shrink, are stored raw. A compressed payload as long as the
// object would be read back as raw bytes (the format tells the two apart by length alone), so only
// what is strictly shorter is kept. Payloads above one frame (1 MiB) are cut into frames of 1 MiB
// of content, each compressed by itself: the same memory for any size, and any lane can do any.
//
// Memory: memory_bytes(options), charged. Not thread-safe.

#pragma once

#include <cstdint>
#include <optional>

#include "bale/bytes.h"
#include "bale/result.h"
#include "base/budget.h"
#include "codec/zstd.h"

namespace bale {

struct PayloadEncoderOptions {
  int level = 3;
  bool compress = true;
  std::uint64_t min_compress_bytes = 256;
};

class PayloadEncoder {
 public:
  [[nodiscard]] static std::uint64_t memory_bytes(const PayloadEncoderOptions& options);

  [[nodiscard]] static Result<PayloadEncoder> create(Budget& budget,
                                                     const PayloadEncoderOptions& options);

  /// Whether a payload of this size is worth a try.
  [[nodiscard]] bool compresses(std::uint64_t size) const {
    return options_.compress && size >= options_.min_compress_bytes && size > 0;
  }

  /// What to store for a payload of at most kFrameBytes: either `payload` itself, or a view of this
  /// encoder's buffer, valid until the next call.
  Result<Bytes> encode(Bytes payload);

  /// One frame, whether it shrinks or not: a piece of a payload above kFrameBytes. The view is
  /// valid until the next call.
  Result<Bytes> encode_frame(Bytes content);

 private:
  PayloadEncoder() = default;

  PayloadEncoderOptions options_;
  std::optional<Compressor> compressor_;
  Buffer out_;
};

}  // namespace bale
