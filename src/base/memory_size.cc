// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "base/memory_size.h"

#include <fmt/core.h>

namespace bale {

std::string memory_size(std::uint64_t bytes) {
  const unsigned shift = bytes > 1000 << 10 ? 20 : 10;
  const std::uint64_t rest = bytes & ((std::uint64_t{1} << shift) - 1);
  return fmt::format("{}{}", (bytes >> shift) + (rest > 0 ? 1 : 0), shift == 20 ? 'M' : 'K');
}

}  // namespace bale
