// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/report_errors.h"

#include <unistd.h>

#include "base/error.h"
#include "cli/errors.h"
#include "cli/json_line.h"

namespace bale::cli {
namespace {

void print_error(const Error& error) {
  const std::string line = error_line(error);
  static_cast<void>(::write(STDERR_FILENO, line.data(), line.size()) < 0);
}

}  // namespace

std::string json_errors(const std::vector<Error>& errors) {
  std::string objects;
  for (const Error& error : errors) {
    JsonLine line;
    line.text("code", to_string(error.code)).text("message", error.message);
    objects += (objects.empty() ? "" : ",") + line.object();
  }
  return "[" + objects + "]";
}

void report_errors(std::string_view what, const std::vector<Error>& errors, std::uint64_t omitted,
                   const Session& session) {
  if (errors.empty()) return;
  if (!session.json()) {
    for (const Error& error : errors) print_error(error);
  }
  if (session.json() || omitted > 0) {
    print_error(fail(ErrorCode::kCorrupt, "{}: {} errors found", what, errors.size() + omitted));
  }
}

}  // namespace bale::cli
