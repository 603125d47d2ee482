// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Ending a benchmark that cannot go on: one line on standard error and status 1. A benchmark has no
// caller to return an Error to, and a wrong figure is worse than none.

#pragma once

#include <fmt/core.h>

#include <string_view>
#include <utility>

#include "bale/result.h"

namespace bale::bench {

[[noreturn]] void die_saying(std::string_view message);

template <typename... Args>
[[noreturn]] void die(fmt::format_string<Args...> format, Args&&... args) {
  die_saying(fmt::format(format, std::forward<Args>(args)...));
}

/// Of a system call: `what` and the system's words.
[[noreturn]] void die_of_errno(std::string_view what);

/// The value of a Result.
template <typename T>
T must(Result<T> result) {
  if (!result) die_saying(result.error().message);
  return std::move(result).value();
}

inline void must(const Result<void>& result) {
  if (!result) die_saying(result.error().message);
}

}  // namespace bale::bench
