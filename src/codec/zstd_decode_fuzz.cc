// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Any bytes as a compressed payload, at once and in pieces: no crash, no more content than
// expected. (The two may differ for damaged bytes: a match that exceeds the window finds other
// bytes in a ring than in the whole output.)
//
// Input: u16 LE expected content size, u8 size of the pieces less one, payload.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/budget.h"
#include "base/check.h"
#include "base/endian.h"
#include "codec/zstd.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bale;
  if (size < 3) return 0;
  const Bytes input = std::as_bytes(std::span(data, size));
  const Bytes stored = input.subspan(3);
  const std::size_t piece_bytes = std::to_integer<std::size_t>(input[2]) + 1;

  Budget budget(std::uint64_t{4} << 20);
  Result<Decompressor> decompressor = Decompressor::create(budget);
  CHECK(decompressor.has_value());
  std::vector<std::byte> out(load_le<std::uint16_t>(input.data()));
  const Result<void> at_once = decompressor->decompress(stored, out);
  // The headers of valid frames bound their content.
  if (at_once) CHECK(*content_bound(stored) >= out.size());

  StreamDecompressor stream(budget, out.size());
  std::size_t content_bytes = 0;
  for (std::size_t at = 0; at < stored.size(); at += piece_bytes) {
    const Bytes piece = stored.subspan(at, std::min(piece_bytes, stored.size() - at));
    const Result<void> fed = stream.feed(piece, [&](Bytes content) -> Result<void> {
      content_bytes += content.size();
      return {};
    });
    CHECK(content_bytes <= out.size());
    if (!fed) return 0;
  }
  if (stream.finish()) CHECK(content_bytes == out.size());
  return 0;
}
