// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Counts in sentences.

#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace bale {

/// "1 object", "2 objects", "2 indexes", "2 entries": for nouns with a regular plural.
[[nodiscard]] inline std::string counted(std::uint64_t count, std::string_view noun) {
  if (count == 1) return fmt::format("1 {}", noun);
  if (noun.ends_with('y')) return fmt::format("{} {}ies", count, noun.substr(0, noun.size() - 1));
  return fmt::format("{} {}{}", count, noun,
                     noun.ends_with('x') || noun.ends_with('s') ? "es" : "s");
}

}  // namespace bale
