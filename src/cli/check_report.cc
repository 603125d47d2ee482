// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Printing the findings of a check. With --json the errors are in the object, and standard error
// has one summary line.

#include "cli/check_report.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/counted.h"
#include "base/error.h"
#include "base/try.h"
#include "cli/errors.h"

namespace bale::cli {
namespace {

constexpr std::string_view kAllIn = " (--verbose or --json lists them)";

void print_error(const Error& error) {
  print_line(error_line(error));
}

}  // namespace

Result<void> print_listing(const Listing& listing) {
  const std::size_t printed = std::min(listing.count, listing.most);
  for (std::size_t i = 0; i < printed; ++i) TRY(listing.print(i));
  const std::uint64_t more = listing.count - printed + listing.omitted;
  return more > 0 ? listing.print_more(more) : Result<void>();
}

Result<int> report_findings(Session& session, const Findings& findings, JsonLine counts,
                            std::string_view sentence) {
  session.progress().clear();
  const std::uint64_t error_count = findings.errors.size() + findings.errors_omitted;
  const int status = findings.errors_omitted == 0 ? status_of(findings.errors) : kStatusCorrupt;
  if (!session.json()) {
    TRY(print_listing({.count = findings.errors.size(),
                       .omitted = findings.errors_omitted,
                       .most = findings.most,
                       .print = [&](std::size_t i) -> Result<void> {
                         print_error(findings.errors[i]);
                         return {};
                       },
                       .print_more = [&](std::uint64_t count) -> Result<void> {
                         print_error(fail(ErrorCode::kCorrupt, "{}: {}{}", findings.where,
                                          counted(count, "more error"),
                                          findings.errors.size() > findings.most ? kAllIn : ""));
                         return {};
                       }}));
  } else if (error_count > 0) {
    print_error(fail(status == kStatusCorrupt ? ErrorCode::kCorrupt : ErrorCode::kIo,
                     "{}: {} found", findings.where, counted(error_count, "error")));
  }
  counts.value("errors", error_objects(findings.errors))
      .number("errors_omitted", findings.errors_omitted);
  TRY(session.summary(counts.object(), fmt::format("{}: {}, {}", findings.where, sentence,
                                                   counted(error_count, "error"))));
  return status;
}

}  // namespace bale::cli
