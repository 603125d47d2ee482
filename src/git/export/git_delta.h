// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Converts our delta program (codec/delta.h) to Git's: the same object from the same base.
//
//   Git's    base size, object size   varints, low 7 bits first
//            00000000                 refused
//            0xxxxxxx                 insert: the next x bytes (1..127) are literal
//            1sssoooo + bytes         copy: as ours
//
// Ours has no header, and an insert's byte is one less than its length, so that it reaches 128. Git
// refuses programs of fewer than 4 bytes, header included, whose object is empty.

#pragma once

#include <cstddef>
#include <cstdint>

#include "bale/bytes.h"
#include "bale/result.h"
#include "format/varint.h"

namespace bale {

/// The sizes of a delta's base and object, in bytes.
struct DeltaSizes {
  std::uint64_t base = 0;
  std::uint64_t object = 0;
};

/// The longest Git form of a program of this size: a run of 128 literals takes one byte more, plus
/// the header.
[[nodiscard]] constexpr std::size_t git_delta_bound(std::size_t program_bytes) {
  return program_bytes + program_bytes / 129 + 2 * kMaxVarintBytes;
}

/// Writes Git's form to `out`, which has room for git_delta_bound(program.size()) bytes, and
/// returns its length. The program may be any bytes: kCorrupt if an operation is truncated or is
/// 0x80, a copy exceeds the base, or the object has another size. Requires sizes.object > 0. Takes
/// time in proportion to the program. Messages do not name file or object. Thread-safe.
Result<std::size_t> write_git_delta(Bytes program, const DeltaSizes& sizes, MutableBytes out);

}  // namespace bale
