// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// How checks report what is wrong: a line each on standard error, or a JSON array.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bale/result.h"
#include "cli/json_line.h"
#include "cli/session.h"

namespace bale::cli {

/// Things of one kind that are printed a line or more each, and those that are only counted.
struct Listing {
  std::size_t count = 0;
  std::uint64_t omitted = 0;    ///< more of them, not kept
  std::size_t most = SIZE_MAX;  ///< of those that are kept, so many are printed
  std::function<Result<void>(std::size_t position)> print;
  std::function<Result<void>(std::uint64_t count)> print_more;  ///< how many were not printed
};

/// Where a verb does not print all: so many of a kind.
inline constexpr std::size_t kMostPrinted = 10;

/// Prints the first ones, and how many more there are.
Result<void> print_listing(const Listing& listing);

/// The findings of a check. The errors must outlive it.
struct Findings {
  const std::vector<Error>& errors;
  std::uint64_t errors_omitted = 0;  ///< more of them, not kept
  std::string where;                 ///< what was checked
  std::size_t most = SIZE_MAX;       ///< errors that are printed as text
};

/// Prints a check's result: `counts` are the first keys of the JSON object, `sentence` is said of
/// them in text. Returns the exit status: 0; 3 where anything is wrong; 1 where all that is wrong
/// is that the system refuses to read something.
Result<int> report_findings(Session& session, const Findings& findings, JsonLine counts,
                            std::string_view sentence);

}  // namespace bale::cli
