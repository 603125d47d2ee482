// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Eight bytes of a record as a number: sorting and merging compare these instead of the bytes, as
// long as they differ.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/endian.h"

namespace bale {

inline constexpr std::size_t kRecordWindowBytes = 8;

/// The bytes from `depth`, less than kBytes, on; the numbers are in the bytes' order. Bytes past
/// the record's end read as zeros.
template <std::size_t kBytes>
std::uint64_t record_window(const std::array<std::byte, kBytes>& record, std::size_t depth) {
  static_assert(kBytes >= kRecordWindowBytes);
  if (depth + kRecordWindowBytes <= kBytes) return load_be<std::uint64_t>(record.data() + depth);
  const std::size_t beyond = depth + kRecordWindowBytes - kBytes;
  return load_be<std::uint64_t>(record.data() + kBytes - kRecordWindowBytes) << (8 * beyond);
}

/// The length of two records' common prefix.
template <std::size_t kBytes>
std::size_t common_prefix_bytes(const std::array<std::byte, kBytes>& a,
                                const std::array<std::byte, kBytes>& b) {
  std::size_t length = 0;
  while (length < kBytes && a[length] == b[length]) ++length;
  return length;
}

}  // namespace bale
