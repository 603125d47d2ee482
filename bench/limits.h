// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What nobody can be faster than: the work itself, without a format, an index of its own or a
// promise. The limits of building are contenders (plain_loop.cc, parallel_zstd.cc).

#pragma once

#include <cstdint>
#include <string>

#include "bench/sample.h"

namespace bale::bench {

/// One sequential write of so many bytes, and fsync apart: the disk's own rate.
[[nodiscard]] Sample write_to_disk(std::uint64_t bytes, const std::string& directory);

}  // namespace bale::bench
