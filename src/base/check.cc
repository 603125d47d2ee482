// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace bale {

void check_failed(const char* condition, const char* file, int line) {
  static_cast<void>(std::fprintf(
      stderr, "bale: this is a bug in bale: %s does not hold (%s:%d). Please report it.\n",
      condition, file, line));
  std::abort();
}

}  // namespace bale
