// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Builds an Error from a code and a message formatted by fmt.
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
