// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A record of bytes, seen through a window of eight of them as a number: what sorting and merging
// compare instead of the bytes, as long as it tells records apart.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/endian.h"

namespace bale {

inline constexpr std::size_t kRecordWindowBytes = 8;

/// The bytes from `depth` on, which is less than kBytes; the numbers are in the bytes' order. What
/// stands behind the record's end reads as zeros.
template <std::size_t kBytes>
std::uint64_t record_window(const std::array<std::byte, kBytes>& record, std::size_t depth) {
  static_assert(kBytes >= kRecordWindowBytes);
  if (depth + kRecordWindowBytes <= kBytes) return load_be<std::uint64_t>(record.data() + depth);
  const std::size_t beyond = depth + kRecordWindowBytes - kBytes;
  return load_be<std::uint64_t>(record.data() + kBytes - kRecordWindowBytes) << (8 * beyond);
}

/// How many bytes two records have in common at their start.
template <std::size_t kBytes>
std::size_t common_prefix_bytes(const std::array<std::byte, kBytes>& a,
                                const std::array<std::byte, kBytes>& b) {
  std::size_t length = 0;
  while (length < kBytes && a[length] == b[length]) ++length;
  return length;
}

}  // namespace bale
