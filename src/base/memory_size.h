// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Amounts of memory in messages that ask for them.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bale {

/// "17M", "900K": the least that --memory takes in such a unit and that is `bytes` or more. Safe
/// from any thread.
[[nodiscard]] std::string memory_size(std::uint64_t bytes);

/// "(allow at least 17M of memory instead of 8388608 bytes)": how a message ends that asks for more
/// memory than was allowed. Programs that divide their memory find both numbers in it.
[[nodiscard]] std::string memory_advice(std::uint64_t needed_bytes, std::uint64_t allowed_bytes);

/// What is before the needed and before the allowed amount.
inline constexpr std::string_view kMemoryAdvice = "(allow at least ";
inline constexpr std::string_view kMemoryAllowed = " of memory instead of ";

}  // namespace bale
