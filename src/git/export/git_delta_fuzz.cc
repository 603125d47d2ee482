// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Any bytes as a delta program, converted to Git's: no access out of bounds, accepted exactly if
// our own decoder accepts the program, and by Git's rules it yields the same object.
//
// Input: u16 LE size of the base, u16 LE size of the object, base, program.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/check.h"
#include "base/endian.h"
#include "codec/delta.h"
#include "git/export/git_delta.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using namespace bale;
using ByteVector = std::vector<std::byte>;

// A plain implementation of Git's rules.
ByteVector apply_git_delta(const ByteVector& base, Bytes program) {
  std::size_t at = 0;
  CHECK(decode_varint(program, &at).value() == base.size());
  const std::uint64_t object_size = decode_varint(program, &at).value();
  CHECK(program.size() >= 4);
  ByteVector out;
  while (at < program.size()) {
    const auto code = std::to_integer<std::size_t>(program[at++]);
    CHECK(code != 0);
    if (code < 0x80) {
      const Bytes literal = program.subspan(at, code);
      out.insert(out.end(), literal.begin(), literal.end());
      at += code;
      continue;
    }
    std::size_t offset = 0;
    std::size_t length = 0;
    for (unsigned i = 0; i < 7; ++i) {
      if ((code >> i & 1) == 0) continue;
      const auto byte = std::to_integer<std::size_t>(program[at++]);
      (i < 4 ? offset : length) |= byte << (8 * (i % 4));
    }
    if (length == 0) length = 0x10000;
    CHECK(offset + length <= base.size());
    const Bytes copied = Bytes(base).subspan(offset, length);
    out.insert(out.end(), copied.begin(), copied.end());
  }
  CHECK(out.size() == object_size);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const Bytes input = std::as_bytes(std::span(data, size));
  const Bytes rest = input.subspan(4);
  const std::size_t base_size =
      std::min<std::size_t>(load_le<std::uint16_t>(input.data()), rest.size());
  // Copies, so that a sanitizer sees where each ends.
  const Bytes base_bytes = rest.first(base_size);
  const ByteVector base(base_bytes.begin(), base_bytes.end());
  const Bytes program_bytes = rest.subspan(base_size);
  const ByteVector program(program_bytes.begin(), program_bytes.end());
  ByteVector object(std::max<std::size_t>(1, load_le<std::uint16_t>(input.data() + 2)));

  const bool applies = apply_delta(base, program, object).has_value();
  ByteVector out(git_delta_bound(program.size()));
  const Result<std::size_t> written =
      write_git_delta(program, {.base = base.size(), .object = object.size()}, out);
  CHECK(written.has_value() == applies);
  if (written) CHECK(apply_git_delta(base, Bytes(out).first(*written)) == object);
  return 0;
}
