// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Amounts of memory in messages.

#pragma once

#include <cstdint>
#include <string>

namespace bale {

/// "17M", "900K": the smallest value that --memory accepts and that is at least `bytes`.
/// Thread-safe.
[[nodiscard]] std::string memory_size(std::uint64_t bytes);

}  // namespace bale
