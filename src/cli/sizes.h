// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Sizes and counts as text: "10M", "64K", "1048576".

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace bale::cli {

/// Parses decimal digits; nullopt for other text or more than 64 bits. Thread-safe.
[[nodiscard]] std::optional<std::uint64_t> parse_count(std::string_view text);

/// Parses bytes: digits, optionally followed by K, M, G or T (powers of 1024, in any case) and
/// "iB". nullopt for other text or more than 64 bits. Thread-safe.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace bale::cli
