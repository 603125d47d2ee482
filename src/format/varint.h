// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Variable-length integers: little-endian base-128 (LEB128).
//
//   1xxxxxxx 1xxxxxxx 0xxxxxxx      7 bits a byte, low bits first, bit 7 = more follows
//
// The encoding need not be the shortest: the 10-byte form holds any u64, so a writer reserves it
// for a number that it learns later.

#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "bale/bytes.h"
#include "bale/result.h"

namespace bale {

/// The length of the form that holds any u64.
inline constexpr std::size_t kMaxVarintBytes = 10;

/// Writes the shortest form to `to`, which has room for kMaxVarintBytes; returns its length.
std::size_t encode_varint(std::uint64_t value, std::byte* to);

/// The 10-byte form: nine bytes with bit 7 set, then one without.
[[nodiscard]] std::array<std::byte, kMaxVarintBytes> encode_padded_varint(std::uint64_t value);

/// Reads a varint from `bytes` at `*position`, and advances it. kCorrupt if it exceeds the end, 10
/// bytes or 64 bits.
Result<std::uint64_t> decode_varint(Bytes bytes, std::size_t* position);

/// Continues a number whose lowest `shift` bits are `low`: the tail of an entry's size.
Result<std::uint64_t> decode_varint_tail(Bytes bytes, std::size_t* position, std::uint64_t low,
                                         unsigned shift);

}  // namespace bale
