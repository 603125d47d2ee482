// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale export dir NAME[:path] DIR: writes the files of an archive.

#include <fmt/core.h>

#include <chrono>
#include <memory>
#include <string>

#include "bale/directory_export.h"
#include "base/budget.h"
#include "base/try.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/store_access.h"
#include "cli/verbs.h"

namespace bale::cli {
namespace {

struct ExportArguments {
  std::string what;
  std::string directory;
};

Result<int> run(const ExportArguments& arguments, Session& session) {
  const auto start = std::chrono::steady_clock::now();
  const ArchivePath path = TRY(parse_archive_path(arguments.what));
  const Store store = TRY(open_store(session));
  const DirectoryExportSummary summary = TRY(export_directory(
      store, path, arguments.directory,
      {.memory_bytes = read_memory_bytes(session), .operation = session.operation()}));
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  session.progress().clear();
  JsonLine line;
  line.number("files", summary.files)
      .number("bytes_out", summary.bytes_out)
      .seconds("seconds", seconds);
  TRY(session.summary(line.object(),
                      fmt::format("{}: {} files, {}, in {:.1f} s", arguments.directory,
                                  summary.files, format_bytes(summary.bytes_out), seconds)));
  return kStatusDone;
}

}  // namespace

VerbRun declare_export_dir(Arguments& arguments) {
  const auto values = std::make_shared<ExportArguments>();
  arguments.required("NAME[:path]", "the archive or a directory in it; NAME@N, NAME/REF:path too",
                     values->what);
  arguments.required("DIR", "where the files go: a new or an empty directory", values->directory);
  return [values](Session& session) { return run(*values, session); };
}

}  // namespace bale::cli
