// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Any base and target: the program rebuilds the target, respects its bound, and does not look like
// zstd.
//
// Input: u16 LE size of the base, base, target.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/budget.h"
#include "base/check.h"
#include "base/endian.h"
#include "codec/delta.h"
#include "codec/delta_encoder.h"
#include "codec/zstd.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bale;
  if (size < 2) return 0;
  const Bytes input = std::as_bytes(std::span(data, size));
  const Bytes rest = input.subspan(2);
  const std::size_t base_size =
      std::min<std::size_t>(load_le<std::uint16_t>(input.data()), rest.size());
  // Copies, so that a sanitizer sees where each ends.
  const Bytes base_bytes = rest.first(base_size);
  const std::vector<std::byte> base(base_bytes.begin(), base_bytes.end());
  const Bytes target_bytes = rest.subspan(base_size);
  const std::vector<std::byte> target(target_bytes.begin(), target_bytes.end());

  Budget budget(1 << 20);
  Result<DeltaEncoder> encoder = DeltaEncoder::create(budget, 1 << 16);
  CHECK(encoder.has_value());
  encoder->index(base);
  std::vector<std::byte> program(DeltaEncoder::bound(target.size()));
  const std::optional<std::size_t> length = encoder->encode(target, program);
  CHECK(length.has_value());
  program.resize(*length);
  CHECK(!starts_with_zstd_magic(program));

  std::vector<std::byte> rebuilt(target.size());
  CHECK(apply_delta(base, program, rebuilt).has_value());
  CHECK(rebuilt == target);
  return 0;
}
