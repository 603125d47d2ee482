// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Rebuilds an object from its base. Real programs have short runs of literals between copies, so a
// short run is moved as two fixed 16-byte blocks if there is room. The excess stays inside `out`
// and is overwritten by later operations, or the program is refused as too short.

#include "codec/delta.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/counted.h"
#include "base/error.h"
#include "base/try.h"
#include "codec/delta_operation.h"

namespace bale {
namespace {

constexpr std::size_t kWideBytes = 32;  // moved at once by move_run()

// Copies `size` bytes. At least `room` bytes may be read and written.
void move_run(std::byte* to, const std::byte* from, std::size_t size, std::size_t room) {
  if (size <= kWideBytes && room >= kWideBytes) {
    std::memcpy(to, from, kWideBytes / 2);
    std::memcpy(to + kWideBytes / 2, from + kWideBytes / 2, kWideBytes / 2);
  } else {
    std::memcpy(to, from, size);
  }
}

}  // namespace

Result<void> apply_delta(Bytes base, Bytes program, MutableBytes out) {
  const std::byte* at = program.data();
  const std::byte* const end = at + program.size();
  std::byte* to = out.data();
  std::size_t to_left = out.size();
  while (at != end) {
    const DeltaOperation operation = TRY(read_delta_operation(at, end));
    if (operation.size > to_left) {
      return fail(ErrorCode::kCorrupt, "the delta program makes more than {}",
                  counted(out.size(), "byte"));
    }
    if (operation.is_copy) {
      if (operation.offset > base.size() || operation.size > base.size() - operation.offset) {
        return fail(ErrorCode::kCorrupt, "a copy of {} at {} leaves the base of {}",
                    counted(operation.size, "byte"), operation.offset,
                    counted(base.size(), "byte"));
      }
      move_run(to, base.data() + operation.offset, operation.size,
               std::min(base.size() - operation.offset, to_left));
    } else {
      move_run(to, at, operation.size, std::min(static_cast<std::size_t>(end - at), to_left));
      at += operation.size;
    }
    to += operation.size;
    to_left -= operation.size;
  }
  if (to_left > 0) {
    return fail(ErrorCode::kCorrupt, "the delta program makes {}, not {}",
                counted(out.size() - to_left, "byte"), out.size());
  }
  return {};
}

Result<std::uint64_t> delta_output_size(Bytes program) {
  const std::byte* at = program.data();
  const std::byte* const end = at + program.size();
  std::uint64_t size = 0;
  while (at != end) {
    const DeltaOperation operation = TRY(read_delta_operation(at, end));
    if (!operation.is_copy) at += operation.size;
    size += operation.size;
  }
  return size;
}

}  // namespace bale
