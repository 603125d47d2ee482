// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The operations of a delta program, for running, measuring or converting it. delta.h has the
// grammar.

#pragma once

#include <bit>
#include <cstddef>

#include "bale/result.h"
#include "base/error.h"

namespace bale {

/// One operation. A literal's bytes follow in the program, complete.
struct DeltaOperation {
  bool is_copy;
  std::size_t offset;  ///< in the base, of a copy
  std::size_t size;
};

/// Reads the operation at `at`, which is not the end, and advances `at`: to a literal's first byte.
/// kCorrupt if it is truncated or is 0x80. The caller checks that a copy stays inside the base.
/// Inline: it dominates loops over programs.
inline Result<DeltaOperation> read_delta_operation(const std::byte*& at, const std::byte* end) {
  constexpr unsigned kCopyFlag = 0x80;
  const auto code = std::to_integer<unsigned>(*at++);
  const auto left = static_cast<std::size_t>(end - at);
  if ((code & kCopyFlag) == 0) {
    const std::size_t size = code + 1;
    if (size > left) {
      return fail(ErrorCode::kCorrupt, "a literal runs past the end of the delta program");
    }
    return DeltaOperation{.is_copy = false, .offset = 0, .size = size};
  }
  if (code == kCopyFlag) {
    return fail(ErrorCode::kCorrupt, "the delta program has an operation 0x80, which is none");
  }
  if (static_cast<std::size_t>(std::popcount(code & 0x7Fu)) > left) {
    return fail(ErrorCode::kCorrupt, "a copy is cut off at the end of the delta program");
  }
  std::size_t offset = 0;
  std::size_t size = 0;
  for (unsigned i = 0; i < 4; ++i) {
    if ((code & (1u << i)) != 0) offset |= std::to_integer<std::size_t>(*at++) << (8 * i);
  }
  for (unsigned i = 0; i < 3; ++i) {
    if ((code & (0x10u << i)) != 0) size |= std::to_integer<std::size_t>(*at++) << (8 * i);
  }
  if (size == 0) size = 65'536;
  return DeltaOperation{.is_copy = true, .offset = offset, .size = size};
}

}  // namespace bale
