// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale import git PATH: archives a repository. Makes the store where there is none.

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "bale/git_import.h"
#include "base/budget.h"
#include "base/error.h"
#include "base/try.h"
#include "cli/counted.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/rss.h"
#include "cli/store_access.h"
#include "cli/verbs.h"

namespace bale::cli {
namespace {

using Clock = std::chrono::steady_clock;

// What the sorts get beyond their smallest, where a level needs more than the default memory.
constexpr std::uint64_t kExtraSortBytes = 16 << 20;

struct Options {
  std::string path;
  std::optional<std::string> name;
  bool all_objects = false;
  bool allow_missing = false;
  bool new_source = false;
  bool no_delta = false;
  int level = 3;
};

std::string json_object(const GitImportSummary& summary, double seconds) {
  JsonLine line;
  line.text("archive", summary.archive)
      .text("record", summary.record.to_hex())
      .text("pack", summary.pack)
      .number("objects", summary.objects)
      .number("objects_new", summary.objects_new)
      .number("bytes_in", summary.bytes_in)
      .number("pack_bytes", summary.pack_bytes)
      .number("index_bytes", summary.index_bytes)
      .number("deltas", summary.deltas)
      .number("missing", summary.missing)
      .number("huge_objects", summary.huge_objects)
      .value("unchanged", summary.unchanged ? "true" : "false")
      .seconds("seconds", seconds)
      .number("peak_rss_bytes", peak_rss_bytes())
      .number("children_peak_rss_bytes", summary.children_peak_rss_bytes);
  return line.object();
}

std::string sentence(const GitImportSummary& summary) {
  if (summary.unchanged) {
    return fmt::format("{}: unchanged ({})", summary.archive, counted(summary.objects, "object"));
  }
  return fmt::format("{}: {}, {} of them new, {} read, {} stored", summary.archive,
                     counted(summary.objects, "object"), summary.objects_new,
                     format_bytes(summary.bytes_in),
                     format_bytes(summary.pack_bytes + summary.index_bytes));
}

// What somebody should know though nothing failed.
void note(const std::string& text) {
  print_line("bale: " + text + "\n");
}

Result<int> run(const Options& options, Session& session) {
  const Clock::time_point start = Clock::now();
  if (options.name && options.name->empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "--name is empty (leave it out for a name made from PATH)");
  }
  StoreForImport into = TRY(open_or_make_store(session));
  const std::uint64_t enough =
      std::max(kStoreMemoryBytes,
               smallest_import_memory_bytes(options.level, !options.no_delta) + kExtraSortBytes);
  const Result<GitImportSummary> imported =
      import_git(into.store, options.path,
                 {.name = options.name.value_or(""),
                  .all_objects = options.all_objects,
                  .allow_missing = options.allow_missing,
                  .new_source = options.new_source,
                  .deltas = !options.no_delta,
                  .level = options.level,
                  .memory_bytes = session.memory_bytes(enough),
                  .lanes = session.lanes(),
                  .operation = session.operation()});
  session.progress().clear();
  if (!imported) {
    // A store that is there only for this import goes with it.
    if (into.made) static_cast<void>(Store::remove_empty(into.store.path()).has_value());
    return imported.error();
  }
  const GitImportSummary& summary = *imported;
  if (summary.huge_objects > 0 && !session.options().quiet) {
    note(fmt::format("{}: {} objects are above 1 GiB: only bale can read them back",
                     summary.archive, summary.huge_objects));
  }
  if (summary.missing > 0 && !session.options().quiet) {
    note(fmt::format("{}: the source lacks {}, named in the record", summary.archive,
                     counted(summary.missing, "object")));
  }
  if (summary.replaced && !session.options().quiet) {
    note(
        fmt::format("{}: the source has none of the commits of the archive's last record; if it is "
                    "another repository now, import it under another --name",
                    summary.archive));
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  TRY(session.summary(json_object(summary, seconds), sentence(summary)));
  return kStatusDone;
}

}  // namespace

VerbRun declare_import_git(Arguments& arguments) {
  const auto options = std::make_shared<Options>();
  arguments.required("PATH", "the repository, bare or with a work tree", options->path);
  arguments.text("--name", "N", "the archive's name (else made from PATH)", options->name);
  arguments.flag("--all-objects", "also what no ref reaches", options->all_objects);
  arguments.flag("--allow-missing", "record what the source lacks, instead of failing",
                 options->allow_missing);
  arguments.flag("--new-source", "go on with an archive though PATH seems to be another repository",
                 options->new_source);
  arguments.flag("--no-delta", "store no deltas", options->no_delta);
  arguments.level(options->level);
  return [options](Session& session) { return run(*options, session); };
}

}  // namespace bale::cli
