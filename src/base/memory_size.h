// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Amounts of memory in messages.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bale {

/// "17M", "900K": the smallest value that --memory accepts and that is at least `bytes`.
/// Thread-safe.
[[nodiscard]] std::string memory_size(std::uint64_t bytes);

/// "(allow at least 17M of memory instead of 8388608 bytes)": the end of a message that asks for
/// more memory. Callers that divide their memory parse both numbers.
[[nodiscard]] std::string memory_advice(std::uint64_t needed_bytes, std::uint64_t allowed_bytes);

/// The text before the needed and before the allowed amount.
inline constexpr std::string_view kMemoryAdvice = "(allow at least ";
inline constexpr std::string_view kMemoryAllowed = " of memory instead of ";

}  // namespace bale
