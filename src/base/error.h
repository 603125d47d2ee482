// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Builds an Error from a code and a message formatted by fmt.
//
//   return fail(ErrorCode::kCorrupt, "{}: entry at {} ends past the trailer", path, offset);
//   return fail(ErrorCode::kNotFound, {HintKind::kCreateStore}, "{}: there is no store", path);
//   return fail(error, "{}; {} needs it", error.message, link.from);

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

template <typename... Args>
Error fail(ErrorCode code, Hint hint, fmt::format_string<Args...> format, Args&&... args) {
  return Error{code, fmt::format(format, std::forward<Args>(args)...), std::move(hint)};
}

/// `cause` in other words: its code and its hint stay.
template <typename... Args>
Error fail(const Error& cause, fmt::format_string<Args...> format, Args&&... args) {
  return Error{cause.code, fmt::format(format, std::forward<Args>(args)...), cause.hint};
}

}  // namespace bale
