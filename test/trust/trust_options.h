// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The sizes of the trust tests: small by default, larger by environment variables.

#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

namespace bale {

/// Sanitizers are many times slower, so less is tried.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSlowBuild = true;
#else
inline constexpr bool kSlowBuild = false;
#endif

/// The number in a variable; `otherwise` if it is not set or not a number.
[[nodiscard]] inline std::uint64_t number_from_environment(const char* name,
                                                           std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  const std::uint64_t number = text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
  return number == 0 ? otherwise : number;
}

/// For printf's %llu.
[[nodiscard]] constexpr unsigned long long as_printed(std::uint64_t number) {
  return number;
}

}  // namespace bale
