// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale export git NAME OUT.git: writes an archive as a bare repository.

#include <fmt/core.h>

#include <chrono>
#include <memory>
#include <string>

#include "bale/git_export.h"
#include "base/budget.h"
#include "base/try.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/rss.h"
#include "cli/store_access.h"
#include "cli/verbs.h"

namespace bale::cli {
namespace {

struct ExportArguments {
  std::string name;
  std::string out;
};

Result<int> run(const ExportArguments& arguments, Session& session) {
  const auto start = std::chrono::steady_clock::now();
  const ArchivePath place = TRY(parse_record_name(arguments.name));
  const Store store = TRY(open_store(session));
  const GitExportSummary summary =
      TRY(export_git(store, place.name, arguments.out,
                     {.record_back = place.record_back,
                      .memory_bytes = session.memory_bytes(kStoreMemoryBytes),
                      .operation = session.operation()}));
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  session.progress().clear();
  JsonLine line;
  line.number("objects", summary.objects)
      .number("bytes_out", summary.bytes_out)
      .number("missing", summary.missing)
      .seconds("seconds", seconds)
      .number("peak_rss_bytes", peak_rss_bytes())
      .number("children_peak_rss_bytes", summary.children_peak_rss_bytes);
  std::string sentence = fmt::format("{}: {} objects, {}, in {:.1f} s", arguments.out,
                                     summary.objects, format_bytes(summary.bytes_out), seconds);
  if (summary.missing > 0) {
    sentence += fmt::format("\n{} objects are not in it: the archive was made without them",
                            summary.missing);
  }
  TRY(session.summary(line.object(), sentence));
  return kStatusDone;
}

}  // namespace

VerbRun declare_export_git(Arguments& arguments) {
  const auto values = std::make_shared<ExportArguments>();
  arguments.required("NAME", "the archive, or NAME@N: as its Nth record back has it", values->name);
  arguments.required("OUT.git", "the repository to make: a new or an empty directory", values->out);
  return [values](Session& session) { return run(*values, session); };
}

}  // namespace bale::cli
