// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// One run of building, in a process of its own.

#pragma once

#include <cstdint>

#include "bench/contender.h"
#include "bench/works.h"

namespace bale::bench {

/// Stores the objects in the directory of the contender's name, where it leaves them; what can be
/// read back is compared, a thousand objects of it. Waits first until the disk is idle.
[[nodiscard]] Sample build_once(Contender& contender, const Objects& objects,
                                const Settings& settings);

/// Writes so many bytes in a row, and removes them.
[[nodiscard]] Sample write_once(std::uint64_t bytes, const Settings& settings);

}  // namespace bale::bench
