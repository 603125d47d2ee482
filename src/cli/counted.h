// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Counts of things in sentences.

#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace bale::cli {

/// "1 object", "2 objects", "2 indexes": for nouns whose plural is made by rule.
[[nodiscard]] inline std::string counted(std::uint64_t count, std::string_view noun) {
  const std::string_view ending = count == 1 ? "" : noun.ends_with('x') ? "es" : "s";
  return fmt::format("{} {}{}", count, noun, ending);
}

}  // namespace bale::cli
