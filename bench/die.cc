// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "bench/die.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace bale::bench {

void die_saying(std::string_view message) {
  std::fflush(stdout);
  fmt::print(stderr, "bale_compare: {}\n", message);
  std::fflush(stderr);
  // No destructors: a peer's threads may be running. What must be removed is (WorkDirectory).
  std::quick_exit(1);
}

void die_of_errno(std::string_view what) {
  die("{}: {}", what, std::generic_category().message(errno));
}

}  // namespace bale::bench
