// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The delta program, which rebuilds an object from its base: reading. Writing: delta_encoder.h. The
// program's grammar:
//
//   0xxxxxxx             insert: the next x + 1 bytes (1..128) are literal
//   1sssoooo + bytes     copy from the base: bits 0..3 say which of the 4 bytes of the offset
//                        follow, low first, then bits 4..6 which of the 3 bytes of the size; what
//                        is absent is 0, and a size of 0 means 65,536. 0x80 alone is refused.
//
// There is no header: the entry holds the object's size.

#pragma once

#include <cstdint>

#include "bale/bytes.h"
#include "bale/result.h"

namespace bale {

/// The largest object that a delta may rebuild: other readers of the format refuse more.
constexpr std::uint64_t kMaxDeltaOutputBytes = std::uint64_t{1} << 27;

/// The length of the longest program for an object of this size: an operation yields at least one
/// byte and takes at most eight. A longer program is damaged, so this bounds a reader's allocation.
/// Requires output_bytes < 2^60.
constexpr std::uint64_t max_program_bytes(std::uint64_t output_bytes) {
  return 8 * output_bytes;
}

/// Fills all of `out`. Base and program may be any bytes: kCorrupt if a literal exceeds the
/// program, a copy exceeds the base, an operation is truncated or is 0x80, or the output is not
/// exactly out.size() bytes. `out` is then undefined. Requires that `out` overlaps neither input.
/// Messages do not name the file or object. Thread-safe.
Result<void> apply_delta(Bytes base, Bytes program, MutableBytes out);

/// The size of the program's output, if its base is large enough: reads operations only. kCorrupt
/// if an operation is truncated or is 0x80.
Result<std::uint64_t> delta_output_size(Bytes program);

}  // namespace bale
