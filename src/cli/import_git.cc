// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale import git PATH: archives a repository, making the store where there is none.

#include <fmt/core.h>

#include <chrono>
#include <memory>
#include <string>

#include "bale/git_import.h"
#include "bale/store.h"
#include "base/budget.h"
#include "base/try.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/rss.h"
#include "cli/signals.h"
#include "cli/store_access.h"
#include "cli/verbs.h"

namespace bale::cli {
namespace {

struct ImportArguments {
  std::string path;
  std::string name;
  bool all_objects = false;
  bool allow_missing = false;
  bool no_delta = false;
  int level = 3;
};

Result<Store> open_or_make_store(const Session& session, bool* made) {
  Result<Store> store = open_store(session);
  if (store || store.error().code != ErrorCode::kNotFound) return store;
  const std::string path = TRY(session.store_path());
  TRY(Store::init(path));
  *made = true;
  return open_store(session);
}

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
      .seconds("seconds", seconds)
      .number("peak_rss_bytes", peak_rss_bytes())
      .number("children_peak_rss_bytes", summary.children_peak_rss_bytes);
  return line.object();
}

std::string sentence(const GitImportSummary& summary, double seconds) {
  std::string text =
      fmt::format("{}: {} objects, {} of them new ({}), packed into {} in {:.1f} s",
                  summary.archive, summary.objects, summary.objects_new,
                  format_bytes(summary.bytes_in), format_bytes(summary.pack_bytes), seconds);
  if (summary.missing > 0) {
    text += fmt::format("\n{} objects were missing in the source; the record says which",
                        summary.missing);
  }
  if (summary.huge_objects > 0) {
    text += fmt::format("\n{} objects are larger than 1 GiB: only bale can read them back",
                        summary.huge_objects);
  }
  return text;
}

Result<int> run(const ImportArguments& arguments, Session& session) {
  const auto start = std::chrono::steady_clock::now();
  GitImportOptions options{.name = arguments.name,
                           .all_objects = arguments.all_objects,
                           .allow_missing = arguments.allow_missing,
                           .deltas = !arguments.no_delta,
                           .level = arguments.level,
                           .operation = session.operation()};
  // Where the level needs more, and nobody said otherwise, the default rises.
  options.memory_bytes = session.memory_bytes(
      std::max(kStoreMemoryBytes, smallest_import_memory_bytes(arguments.level)));
  bool made = false;
  Store store = TRY(open_or_make_store(session, &made));
  const Result<GitImportSummary> imported = import_git(store, arguments.path, options);
  if (!imported) {
    // A store that is there only for this import goes with it.
    if (made) static_cast<void>(Store::remove_empty(store.path()).has_value());
    return imported.error();
  }
  const GitImportSummary& summary = *imported;
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  session.progress().clear();
  TRY(session.summary(json_object(summary, seconds), sentence(summary, seconds)));
  return kStatusDone;
}

}  // namespace

VerbRun declare_import_git(Arguments& arguments) {
  const auto values = std::make_shared<ImportArguments>();
  arguments.required("PATH", "the repository: bare, or a directory of its work tree", values->path);
  arguments.text("--name", "NAME", "the archive's name (default: made from the path)",
                 values->name);
  arguments.flag("--all-objects", "archive also what no ref reaches", values->all_objects);
  arguments.flag("--allow-missing", "record what the source lacks, instead of failing",
                 values->allow_missing);
  arguments.flag("--no-delta", "store every object whole (today this is always so)",
                 values->no_delta);
  arguments.level(values->level);
  return [values](Session& session) { return run(*values, session); };
}

}  // namespace bale::cli
