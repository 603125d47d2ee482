// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale pack verify PACK: checks a pack and its index completely. Errors go to standard error, a
// line each, or into the JSON object; then the exit status is 3.

#include <fmt/core.h>

#include <memory>

#include "bale/pack_verifier.h"
#include "base/counted.h"
#include "base/try.h"
#include "cli/check_report.h"
#include "cli/json_line.h"
#include "cli/pack_walk.h"
#include "cli/signals.h"
#include "cli/verbs.h"

namespace bale::cli {
namespace {

Result<int> run_pack_verify(const PackPaths& paths, Session& session) {
  name_mapped_files(paths.pack, session.json());
  const PackReport report =
      TRY(verify_pack(paths.pack, {.index_path = paths.index,
                                   .work = {.memory_bytes = pack_check_memory_bytes(session),
                                            .lanes = session.lanes(),
                                            .operation = session.operation()}}));
  JsonLine counts;
  counts.number("objects", report.objects).number("bytes", report.bytes);
  return report_findings(session, {report.errors, report.errors_omitted, paths.pack}, counts,
                         counted(report.objects, "object"));
}

}  // namespace

VerbRun declare_pack_verify(Arguments& arguments) {
  const auto paths = std::make_shared<PackPaths>();
  paths->declare(arguments);
  return [paths](Session& session) { return run_pack_verify(*paths, session); };
}

}  // namespace bale::cli
