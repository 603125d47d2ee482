// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// TRY: the value of a Result, or return its Error from the enclosing function.
//
//   const uint64_t size = TRY(file.size());
//   TRY(file.sync());
//
// Do not use a TRY inside the argument of another one: name the inner value first.

#pragma once

#include <utility>

#include "bale/result.h"

#define BALE_TRY_NAMED(name, expr)      \
  __extension__({                       \
    auto name = (expr);                 \
    if (!name.has_value()) [[unlikely]] \
      return std::move(name).error();   \
    std::move(name).value();            \
  })
#define BALE_TRY_CONCAT(prefix, line) prefix##line
#define BALE_TRY_UNIQUE(expr, line) BALE_TRY_NAMED(BALE_TRY_CONCAT(try_result_, line), expr)
#define TRY(expr) BALE_TRY_UNIQUE(expr, __COUNTER__)
