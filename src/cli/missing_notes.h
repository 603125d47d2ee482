// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Notes that are not errors, mainly on objects that an archive lacks.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bale::cli {

/// The most refs that are named.
inline constexpr std::size_t kRefsNamed = 10;

/// Prints a note for each of the first refs that point to a missing object, and one for the others.
void note_missing_refs(const std::string& archive, const std::vector<std::string>& refs);

/// ", 3 missing" for the end of a sentence; empty for 0.
[[nodiscard]] std::string missing_words(std::uint64_t missing);

}  // namespace bale::cli
