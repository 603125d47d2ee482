// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "format/varint.h"

#include "base/error.h"

namespace bale {

std::size_t encode_varint(std::uint64_t value, std::byte* to) {
  std::size_t length = 0;
  while (value >= 0x80) {
    to[length++] = static_cast<std::byte>((value & 0x7f) | 0x80);
    value >>= 7;
  }
  to[length++] = static_cast<std::byte>(value);
  return length;
}

std::array<std::byte, kMaxVarintBytes> encode_padded_varint(std::uint64_t value) {
  std::array<std::byte, kMaxVarintBytes> padded;
  for (std::size_t i = 0; i + 1 < padded.size(); ++i) {
    padded[i] = static_cast<std::byte>((value & 0x7f) | 0x80);
    value >>= 7;
  }
  padded.back() = static_cast<std::byte>(value);
  return padded;
}

Result<std::uint64_t> decode_varint_tail(Bytes bytes, std::size_t* position, std::uint64_t low,
                                         unsigned shift) {
  std::uint64_t value = low;
  for (std::size_t length = shift == 0 ? 0 : 1; length < kMaxVarintBytes; ++length) {
    if (*position >= bytes.size()) {
      return fail(ErrorCode::kCorrupt, "a number runs past the end of the data");
    }
    const auto byte = std::to_integer<std::uint64_t>(bytes[(*position)++]);
    const std::uint64_t digit = byte & 0x7f;
    if (digit != 0) {
      if (shift >= 64 || (digit << shift) >> shift != digit) {
        return fail(ErrorCode::kCorrupt, "a number runs past 64 bits");
      }
      value |= digit << shift;
    }
    if ((byte & 0x80) == 0) return value;
    shift += 7;
  }
  return fail(ErrorCode::kCorrupt, "a number runs past 10 bytes");
}

Result<std::uint64_t> decode_varint(Bytes bytes, std::size_t* position) {
  return decode_varint_tail(bytes, position, 0, 0);
}

}  // namespace bale
