// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// From our delta program (codec/delta.h) to Git's: the same object from the same base.
//
//   Git's    base size, object size   varints, low 7 bits first
//            00000000                 refused
//            0xxxxxxx                 insert: the next x bytes (1..127) are literal
//            1sssoooo + bytes         copy: as ours
//
// Ours has no header, and an insert's byte is one less than its length, so that it reaches 128. Git
// refuses programs of fewer than 4 bytes, header included: those that make nothing.

#pragma once

#include <cstddef>
#include <cstdint>

#include "bale/bytes.h"
#include "bale/result.h"
#include "format/varint.h"

namespace bale {

/// What a delta is made from and what it makes, in bytes.
struct DeltaSizes {
  std::uint64_t base = 0;
  std::uint64_t object = 0;
};

/// Git's form of a program of so many bytes is no longer: only a row of 128 literals takes one byte
/// more, and then there is the header.
[[nodiscard]] constexpr std::size_t git_delta_bound(std::size_t program_bytes) {
  return program_bytes + program_bytes / 129 + 2 * kMaxVarintBytes;
}

/// Writes Git's form to `out`, which has room for git_delta_bound(program.size()) bytes, and
/// returns its length. Any bytes may come as program: kCorrupt if an operation is cut off or is
/// 0x80, a copy leaves the base, or the object comes out with another size. Requires
/// sizes.object > 0. Takes time in proportion to the program. Messages do not name file or object.
/// Thread-safe.
Result<std::size_t> write_git_delta(Bytes program, const DeltaSizes& sizes, MutableBytes out);

}  // namespace bale
