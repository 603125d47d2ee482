// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale gc: removes the objects that no archive reaches.

#include <fmt/core.h>

#include <memory>
#include <string>

#include "bale/store_collect.h"
#include "base/budget.h"
#include "base/counted.h"
#include "base/try.h"
#include "cli/check_report.h"
#include "cli/json_line.h"
#include "cli/store_access.h"
#include "cli/verbs.h"

namespace bale::cli {
namespace {

std::string sentence(const CollectSummary& summary, bool dry_run) {
  std::string text = fmt::format(
      "{}{} removed, {} kept; {} removed, {} rewritten; {} before, {} after",
      dry_run ? "would do: " : "", counted(summary.objects_removed, "object"), summary.objects_kept,
      counted(summary.packs_removed, "pack"), summary.packs_rewritten,
      format_bytes(summary.bytes_before), format_bytes(summary.bytes_after));
  for (const std::string& name : summary.lost_archives) {
    text += fmt::format("; archive {} has records and no pointer: kept (bale repair restores it)",
                        name);
  }
  return text;
}

Result<int> run_gc(bool dry_run, Session& session) {
  Store store = TRY(open_store(session));
  const CollectSummary summary =
      TRY(collect_store(store, {.dry_run = dry_run,
                                .work = {.memory_bytes = session.memory_bytes(kStoreMemoryBytes),
                                         .lanes = session.lanes(),
                                         .operation = session.operation()}}));
  JsonLine line;
  line.number("objects_removed", summary.objects_removed)
      .number("objects_kept", summary.objects_kept)
      .number("packs_removed", summary.packs_removed)
      .number("packs_rewritten", summary.packs_rewritten)
      .number("bytes_before", summary.bytes_before)
      .number("bytes_after", summary.bytes_after)
      .value("packs_made", json_strings(summary.packs_made))
      .value("lost_archives", json_strings(summary.lost_archives))
      .value("dry_run", dry_run ? "true" : "false");
  return report_findings(session, {summary.damaged, 0, store.path()}, line,
                         sentence(summary, dry_run));
}

}  // namespace

VerbRun declare_gc(Arguments& arguments) {
  const auto dry_run = std::make_shared<bool>(false);
  arguments.flag("--dry-run", "only print what would be removed", *dry_run);
  return [dry_run](Session& session) { return run_gc(*dry_run, session); };
}

}  // namespace bale::cli
