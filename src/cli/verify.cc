// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale verify [NAME]: checks the store, or what one archive reaches. What is wrong goes to standard
// error, a line each, or into the JSON object; then the exit status is 3.

#include <fmt/core.h>

#include <chrono>
#include <memory>
#include <string>

#include "bale/store_verifier.h"
#include "base/budget.h"
#include "base/error.h"
#include "base/try.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/report_errors.h"
#include "cli/rss.h"
#include "cli/store_access.h"
#include "cli/verbs.h"

namespace bale::cli {
namespace {

struct VerifyArguments {
  std::string name;
  bool quick = false;
  bool full = false;
};

Result<int> run(const VerifyArguments& arguments, Session& session) {
  if (arguments.quick && arguments.full) {
    return fail(ErrorCode::kInvalidArgument, "--quick and --full exclude each other");
  }
  const auto start = std::chrono::steady_clock::now();
  const Store store = TRY(open_store(session));
  StoreCheckOptions options{.quick = arguments.quick,
                            .memory_bytes = session.memory_bytes(kStoreMemoryBytes),
                            .operation = session.operation()};
  if (!arguments.name.empty()) options.archive = arguments.name;
  const StoreReport report = TRY(verify_store(store, options));
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  session.progress().clear();
  const std::string what = arguments.name.empty() ? store.path() : arguments.name;
  report_errors(what, report.errors, report.errors_omitted, session);
  JsonLine line;
  line.number("objects", report.objects)
      .number("bytes", report.bytes)
      .number("packs", report.packs)
      .value("errors", json_errors(report.errors))
      .number("errors_omitted", report.errors_omitted)
      .seconds("seconds", seconds)
      .number("peak_rss_bytes", peak_rss_bytes());
  TRY(session.summary(line.object(),
                      fmt::format("{}: {} objects, {}, in {} packs: {} errors, in {:.1f} s", what,
                                  report.objects, format_bytes(report.bytes), report.packs,
                                  report.errors.size() + report.errors_omitted, seconds)));
  return report.ok() ? kStatusDone : kStatusCorrupt;
}

}  // namespace

VerbRun declare_verify(Arguments& arguments) {
  const auto values = std::make_shared<VerifyArguments>();
  arguments.optional("NAME", "only what this archive reaches (default: the whole store)",
                     values->name);
  arguments.flag("--quick", "structure and checksums only", values->quick);
  arguments.flag("--full", "every object, every link, every Git id (the default)", values->full);
  return [values](Session& session) { return run(*values, session); };
}

}  // namespace bale::cli
