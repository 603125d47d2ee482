// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Sizes and counts as people type them: "10M", "64K", "1048576".

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace bale::cli {

/// The number that decimal digits say; nothing for any other text and beyond 64 bits. Safe from any
/// thread.
[[nodiscard]] std::optional<std::uint64_t> parse_count(std::string_view text);

/// Bytes: digits, then perhaps K, M, G or T (powers of 1024, in any case), which may be followed by
/// "iB". Nothing for any other text and beyond 64 bits. Safe from any thread.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace bale::cli
