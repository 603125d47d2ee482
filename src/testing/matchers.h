// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Matchers for Results: EXPECT_THAT(reader.get(id), IsOk()); FailsWith(ErrorCode::kCorrupt).

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "bale/result.h"

namespace bale {

inline void PrintTo(const Error& error, std::ostream* out) {
  *out << to_string(error.code) << ": " << error.message;
}

template <typename T>
void PrintTo(const Result<T>& result, std::ostream* out) {
  if (result.has_value()) {
    *out << "a value";
  } else {
    PrintTo(result.error(), out);
  }
}

MATCHER(IsOk, negation ? "fails" : "succeeds") {
  if (arg.has_value()) return true;
  *result_listener << arg.error().message;
  return false;
}

MATCHER_P(FailsWith, code, std::string("fails with ") + std::string(to_string(code))) {
  return !arg.has_value() && arg.error().code == code;
}

/// Matches the code, and a part of the message.
MATCHER_P2(FailsWith, code, text,
           std::string("fails with ") + std::string(to_string(code)) + " and says '" + text + "'") {
  return !arg.has_value() && arg.error().code == code &&
         arg.error().message.find(text) != std::string::npos;
}

/// The code, and what the Error's hint is.
MATCHER_P2(FailsWithHint, code, kind,
           std::string("fails with ") + std::string(to_string(code)) + " and the expected hint") {
  return !arg.has_value() && arg.error().code == code && arg.error().hint.kind == kind;
}

}  // namespace bale

/// Assigns the value of a Result to `name`; ends the test if it is an Error.
#define ASSERT_OK_AND_ASSIGN(name, expr)      \
  auto name##_result = (expr);                \
  ASSERT_THAT(name##_result, ::bale::IsOk()); \
  auto name = std::move(name##_result).value()
