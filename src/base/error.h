// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Building an Error: the code first, then a sentence put together with fmt.
//
//   return fail(ErrorCode::kCorrupt, "{}: entry at {} ends past the trailer", path, offset);

#pragma once

#include <fmt/core.h>

#include <string>
#include <utility>

#include "bale/result.h"

namespace bale {

template <typename... Args>
Error fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return Error{code, fmt::format(format, std::forward<Args>(args)...)};
}

}  // namespace bale
