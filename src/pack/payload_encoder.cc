// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/payload_encoder.h"

#include "base/check.h"
#include "base/try.h"

namespace bale {

std::uint64_t PayloadEncoder::memory_bytes(const PayloadEncoderOptions& options) {
  if (!options.compress) return 0;
  return Compressor::memory_bytes(options.level) + Compressor::bound(kFrameBytes);
}

Result<PayloadEncoder> PayloadEncoder::create(Budget& budget,
                                              const PayloadEncoderOptions& options) {
  PayloadEncoder encoder;
  encoder.options_ = options;
  if (options.compress) {
    encoder.compressor_ = TRY(Compressor::create(budget, options.level));
    encoder.out_ = TRY(Buffer::allocate(budget, Compressor::bound(kFrameBytes), "a frame"));
  }
  return encoder;
}

Result<Bytes> PayloadEncoder::encode(Bytes payload) {
  CHECK(payload.size() <= kFrameBytes);
  if (!compresses(payload.size())) return payload;
  const Bytes frame = TRY(encode_frame(payload));
  return frame.size() < payload.size() ? frame : payload;
}

Result<Bytes> PayloadEncoder::encode_frame(Bytes content) {
  const std::size_t size = TRY(compressor_->compress(content, out_.span()));
  return Bytes(out_.span().first(size));
}

}  // namespace bale
