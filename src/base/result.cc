// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "bale/result.h"

#include <cstdio>
#include <cstdlib>

#include "base/check.h"

namespace bale {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kCorrupt:
      return "corrupt";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kLimitExceeded:
      return "limit_exceeded";
    case ErrorCode::kInterrupted:
      return "interrupted";
    case ErrorCode::kIncomplete:
      return "incomplete";
  }
  CHECK(false);
}

namespace detail {

void bad_result_access(const Error* error) {
  static_cast<void>(std::fprintf(stderr, "bale: a Result was read the wrong way round: %s\n",
                                 error != nullptr ? error->message.c_str() : "it holds a value"));
  std::abort();
}

}  // namespace detail

}  // namespace bale
