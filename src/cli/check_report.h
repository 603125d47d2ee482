// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// How checks report what is wrong: a line each on standard error, or a JSON array.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bale/result.h"
#include "cli/json_line.h"
#include "cli/session.h"

namespace bale::cli {

/// What a check has found. The errors must outlive it.
struct Findings {
  const std::vector<Error>& errors;
  std::uint64_t errors_omitted = 0;  ///< more of them, not kept
  std::string where;                 ///< what was checked
};

/// Prints a check's result: `counts` are the first keys of the JSON object, `sentence` is said of
/// them in text. Returns the exit status: 0, or 3 where anything is wrong.
Result<int> report_findings(Session& session, const Findings& findings, JsonLine counts,
                            std::string_view sentence);

}  // namespace bale::cli
