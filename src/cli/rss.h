// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// How much memory the program has had at most.

#pragma once

#include <cstdint>

namespace bale::cli {

/// The most bytes ever resident at once, of this program only. Safe from any thread.
[[nodiscard]] std::uint64_t peak_rss_bytes();

}  // namespace bale::cli
