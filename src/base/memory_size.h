// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Amounts of memory in messages that ask for them.

#pragma once

#include <cstdint>
#include <string>

namespace bale {

/// "17M", "900K": the least that --memory takes in such a unit and that is `bytes` or more. Safe
/// from any thread.
[[nodiscard]] std::string memory_size(std::uint64_t bytes);

}  // namespace bale
