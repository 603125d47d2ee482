// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// How often a pass over a mapped table calls Mapping::release_pages(), so that a table of any size
// takes bounded resident memory.
#pragma once

#include <cstdint>

namespace bale {

/// Records of a mapped table to read between two releases: 1 to 2 MiB of pages.
inline constexpr std::uint64_t kRecordsPerRelease = 1 << 15;

}  // namespace bale
