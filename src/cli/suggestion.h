// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Suggestions for misspelled words.

#pragma once

#include <span>
#include <string>
#include <string_view>

namespace bale::cli {

/// The one of `known` that is nearest to `typed` by edit distance; empty if none is near.
/// Thread-safe.
[[nodiscard]] std::string_view nearest(std::string_view typed,
                                       std::span<const std::string_view> known);

}  // namespace bale::cli
