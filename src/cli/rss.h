// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The program's peak memory.

#pragma once

#include <cstdint>

namespace bale::cli {

/// The most bytes resident at once so far, of this program only. Thread-safe.
[[nodiscard]] std::uint64_t peak_rss_bytes();

}  // namespace bale::cli
