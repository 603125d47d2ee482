// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// CHECK ends the program if a condition fails, which only a bug in bale can cause. Always on. Bytes
// from a disk, a network or a caller never reach a CHECK: they become an Error.

#pragma once

namespace bale {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace bale

#define CHECK(condition)                                    \
  do {                                                      \
    if (!(condition)) [[unlikely]]                          \
      ::bale::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)

// For measured inner loops only.
#ifdef NDEBUG
#define DCHECK(condition) static_cast<void>(sizeof(!(condition)))
#else
#define DCHECK(condition) CHECK(condition)
#endif
