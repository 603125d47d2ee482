// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale verify [NAME]: checks a store, or what one archive of it reaches. What is wrong goes to
// standard error, a line each, or into the JSON object; then the exit status is 3.

#include <fmt/core.h>

#include <memory>

#include "bale/store_verifier.h"
#include "base/error.h"
#include "base/try.h"
#include "cli/check_report.h"
#include "cli/json_line.h"
#include "cli/store_access.h"
#include "cli/verbs.h"

namespace bale::cli {
namespace {

struct Options {
  std::string name;
  bool quick = false;
  bool full = false;
};

Result<int> run(const Options& options, Session& session) {
  if (options.quick && options.full) {
    return fail(ErrorCode::kInvalidArgument, "--quick and --full exclude each other (give one)");
  }
  const Store store = TRY(open_store(session));
  StoreCheckOptions check{.quick = options.quick,
                          .memory_bytes = session.memory_bytes(kStoreMemoryBytes),
                          .operation = session.operation()};
  if (!options.name.empty()) check.archive = options.name;
  const StoreReport report = TRY(verify_store(store, check));
  JsonLine counts;
  counts.number("objects", report.objects)
      .number("bytes", report.bytes)
      .number("packs", report.packs);
  const std::string where =
      options.name.empty() ? store.path() : store.path() + ": " + options.name;
  return report_findings(session, {report.errors, report.errors_omitted, where}, counts,
                         fmt::format("{} objects in {} packs", report.objects, report.packs));
}

}  // namespace

VerbRun declare_verify(Arguments& arguments) {
  const auto options = std::make_shared<Options>();
  arguments.optional("NAME", "check only what this archive reaches", options->name);
  arguments.flag("--quick", "structure and checksums only", options->quick);
  arguments.flag("--full", "every object, every link, every Git id (the default)", options->full);
  return [options](Session& session) { return run(*options, session); };
}

}  // namespace bale::cli
