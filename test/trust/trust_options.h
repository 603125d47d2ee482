// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// How much the tests of trust try: little by default, more by variables of the environment.

#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

namespace bale {

/// Under sanitizers everything takes many times as long, and less is tried.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSlowBuild = true;
#else
inline constexpr bool kSlowBuild = false;
#endif

/// The number in a variable, or `otherwise` where it is not set or none.
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
