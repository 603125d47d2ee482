// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale export dir NAME[:path] DIR: the files of a tree, as files.

#include <fmt/core.h>

#include <memory>

#include "bale/directory_export.h"
#include "bale/tree.h"
#include "base/budget.h"
#include "base/counted.h"
#include "base/try.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/store_access.h"
#include "cli/verbs.h"

namespace bale::cli {
namespace {

struct ExportDirArguments {
  std::string place;
  std::string directory;
};

Result<int> run_export_dir(const ExportDirArguments& options, Session& session) {
  const Snapshot store = TRY(open_snapshot(session));
  const ArchivePath place = TRY(find_archive_path(store, options.place));
  const DirectoryExportSummary summary = TRY(export_directory(
      store, place, options.directory,
      {.work = {.memory_bytes = read_memory_bytes(session), .operation = session.operation()}}));
  session.progress().clear();
  for (const std::string& note : summary.notes) print_note(note);  // with --quiet too
  const std::uint64_t entries = summary.skipped + summary.mismatched_entries;
  if (entries > summary.notes.size()) {
    print_note(fmt::format("{} more notes of this kind", entries - summary.notes.size()));
  }
  JsonLine line;
  line.number("files", summary.files)
      .number("bytes_out", summary.bytes_out)
      .number("skipped", summary.skipped)
      .number("mismatched_entries", summary.mismatched_entries)
      .texts("notes", summary.notes);
  TRY(session.summary(
      line.object(),
      fmt::format("{}: {}, {}{}", options.directory, counted(summary.files, "file"),
                  format_bytes(summary.bytes_out),
                  summary.skipped > 0 ? fmt::format(", {} skipped", summary.skipped) : "")));
  return summary.skipped > 0 ? kStatusIncomplete : kStatusDone;
}

}  // namespace

VerbRun declare_export_dir(Arguments& arguments) {
  const auto options = std::make_shared<ExportDirArguments>();
  arguments.required("NAME[:path]", "an archive, optionally with a path in it", options->place);
  arguments.required("DIR", "the directory to write: new or empty", options->directory);
  return [options](Session& session) {
    return explained(session, options->place, Wanted::kArchive, run_export_dir(*options, session));
  };
}

}  // namespace bale::cli
