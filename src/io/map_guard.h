// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Reading a mapped file that another process may cut short.
//
// A page that is mapped and no longer in the file kills the process with SIGBUS. A program that
// calls install_map_guard() once gets an answer instead, for reads that go through guarded() or
// copy_guarded(); all other faults go to whoever handled SIGBUS before, or end the program as ever.
// A library may not change signal handlers behind its user's back, so libbale never installs it.
//
//   if (!copy_guarded(buffer, mapping.bytes().data() + offset)) return fail(...);

#pragma once

#include <cstddef>

#include "bale/bytes.h"

namespace bale {

namespace detail {
bool run_guarded(void (*run)(void*), void* context);
}  // namespace detail

/// Installs the handler for the whole process. Calling it again does nothing. Safe from any
/// thread.
void install_map_guard();

/// Calls `function()`; false if it read a mapped page that is gone. It is left then where it stood,
/// without unwinding: it may own nothing and hold no lock. To hash, to parse and to copy are fine.
/// Safe from any thread; guards may be nested. Without install_map_guard() it only calls.
template <typename Function>
[[nodiscard]] bool guarded(Function function) {
  return detail::run_guarded([](void* context) { (*static_cast<Function*>(context))(); },
                             &function);
}

/// Fills `to` with the bytes at `from`; false if one of their pages is gone. `to` is then
/// unspecified.
[[nodiscard]] bool copy_guarded(MutableBytes to, const std::byte* from);

}  // namespace bale
