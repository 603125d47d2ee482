// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What a verification found wrong: for people on standard error, for scripts as JSON.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bale/result.h"
#include "cli/session.h"

namespace bale::cli {

/// [{"code":"corrupt","message":"..."},...]
[[nodiscard]] std::string json_errors(const std::vector<Error>& errors);

/// One line an error on standard error; with --json only how many there are, since the object has
/// them. Prints nothing where there are none. `what` was verified.
void report_errors(std::string_view what, const std::vector<Error>& errors, std::uint64_t omitted,
                   const Session& session);

}  // namespace bale::cli
