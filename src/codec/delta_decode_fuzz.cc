// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Any bytes as base and delta program: no crash, no access out of bounds, and delta_output_size()
// equals the output's size.
//
// Input: u16 LE size of the base, u16 LE size of the output, base, program.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "base/endian.h"
#include "codec/delta.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bale;
  if (size < 4) return 0;
  const Bytes input = std::as_bytes(std::span(data, size));
  const Bytes rest = input.subspan(4);
  const std::size_t base_size =
      std::min<std::size_t>(load_le<std::uint16_t>(input.data()), rest.size());
  // Copies, so that a sanitizer sees where each ends.
  const Bytes base_bytes = rest.first(base_size);
  const std::vector<std::byte> base(base_bytes.begin(), base_bytes.end());
  const Bytes program_bytes = rest.subspan(base_size);
  const std::vector<std::byte> program(program_bytes.begin(), program_bytes.end());

  std::vector<std::byte> out(load_le<std::uint16_t>(input.data() + 2));
  const Result<void> applied = apply_delta(base, program, out);
  const Result<std::uint64_t> claimed = delta_output_size(program);
  if (applied) CHECK(claimed && *claimed == out.size());
  if (claimed) CHECK(program.size() <= max_program_bytes(*claimed));
  if (claimed && *claimed <= 1 << 20) {
    out.resize(*claimed);
    static_cast<void>(apply_delta(base, program, out).has_value());
  }
  return 0;
}
