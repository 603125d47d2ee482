// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale export git NAME OUT.git: a bare repository with the same objects, refs, HEAD and shallow
// boundary.

#include <fmt/core.h>

#include <chrono>
#include <memory>

#include "bale/git_export.h"
#include "base/budget.h"
#include "base/counted.h"
#include "base/try.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/missing_notes.h"
#include "cli/store_access.h"
#include "cli/verbs.h"

namespace bale::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct ExportGitArguments {
  std::string name;
  std::string out;
};

Result<int> run_export_git(const ExportGitArguments& options, Session& session) {
  const Clock::time_point start = Clock::now();
  const ArchivePath place = TRY(parse_record_name(options.name));
  const Snapshot store = TRY(open_snapshot(session));
  const GitExportSummary summary =
      TRY(export_git(store, place.name, options.out,
                     {.record_back = place.record_back,
                      .work = {.memory_bytes = session.memory_bytes(kStoreMemoryBytes),
                               .lanes = session.lanes(),
                               .operation = session.operation()}}));
  session.progress().clear();
  if (summary.missing > 0) {  // with --quiet too: not a summary
    print_note(fmt::format("{}: the archive was made without {}, so the repository lacks {}",
                           place.name, counted(summary.missing, "object"),
                           summary.missing == 1 ? "it" : "them"));
    note_missing_refs(place.name, summary.missing_refs);
  }
  JsonLine line;
  line.number("objects", summary.objects)
      .number("deltas", summary.deltas)
      .number("bytes_out", summary.bytes_out)
      .number("missing", summary.missing)
      .texts("missing_refs", summary.missing_refs)
      .seconds("seconds", std::chrono::duration<double>(Clock::now() - start).count());
  TRY(session.summary(
      line.object(), fmt::format("{}: {}, {}{}", options.out, counted(summary.objects, "object"),
                                 format_bytes(summary.bytes_out), missing_words(summary.missing))));
  return kStatusDone;
}

}  // namespace

VerbRun declare_export_git(Arguments& arguments) {
  const auto options = std::make_shared<ExportGitArguments>();
  arguments.required("NAME", "the archive; NAME@N: its Nth record before the newest",
                     options->name);
  arguments.required("OUT.git", "the repository to write: new or an empty directory", options->out);
  return [options](Session& session) {
    return explained(session, options->name, Wanted::kArchive, run_export_git(*options, session));
  };
}

}  // namespace bale::cli
