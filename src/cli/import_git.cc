// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale import git PATH: archives a repository. Creates a missing store.

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "bale/git_import.h"
#include "base/budget.h"
#include "base/counted.h"
#include "base/error.h"
#include "base/try.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/missing_notes.h"
#include "cli/rss.h"
#include "cli/store_access.h"
#include "cli/verbs.h"
#include "object/printable.h"

namespace bale::cli {
namespace {

using Clock = std::chrono::steady_clock;

// Extra memory for sorting, if a level needs more than the default memory.
constexpr std::uint64_t kImportSortBytes = 16 << 20;

struct ImportGitArguments {
  std::string path;
  std::optional<std::string> name;
  bool all_objects = false;
  bool allow_missing = false;
  bool skip_bad_refs = false;
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
      .number("missing_empty", summary.missing_empty)
      .texts("missing_refs", summary.missing_refs)
      .texts("bad_refs", summary.bad_refs)
      .number("bad_refs_omitted", summary.bad_refs_omitted)
      .number("objects_healed", summary.objects_healed)
      .number("mismatched_links", summary.mismatched_links)
      .number("malformed", summary.malformed)
      .number("huge_objects", summary.huge_objects)
      .value("unchanged", summary.unchanged ? "true" : "false")
      .seconds("seconds", seconds)
      .number("peak_rss_bytes", peak_rss_bytes())
      .number("children_peak_rss_bytes", summary.children_peak_rss_bytes);
  return line.object();
}

void note_what_is_odd(const GitImportSummary& summary, bool quiet) {
  if (summary.objects_healed > 0 && !quiet) {
    print_note(
        fmt::format("{}: stored {} again that {} damaged in the store (bale verify names the "
                    "damaged packs, bale repair repairs them)",
                    summary.archive, counted(summary.objects_healed, "object"),
                    summary.objects_healed == 1 ? "was" : "were"));
  }
  if (summary.mismatched_links > 0 && !quiet) {
    print_note(fmt::format(
        "{}: {} to an object of another type than the link claims (bale verify "
        "names them)",
        summary.archive,
        summary.mismatched_links == 1 ? "1 link leads"
                                      : fmt::format("{} links lead", summary.mismatched_links)));
  }
  if (summary.malformed > 0 && !quiet) {
    print_note(fmt::format(
        "{}: {} malformed and archived unchanged (bale verify names them)", summary.archive,
        summary.malformed == 1 ? "1 object is" : fmt::format("{} objects are", summary.malformed)));
  }
}

void note_what_is_missing(const GitImportSummary& summary) {
  if (summary.missing > 0) {
    print_note(fmt::format("{}: the source lacks {}, named in the record", summary.archive,
                           counted(summary.missing, "object")));
  }
  if (summary.missing_empty > 0) {
    print_note(fmt::format("{}: {} of them in files without content: {}", summary.archive,
                           summary.missing_empty, summary.empty_files));
  }
  note_missing_refs(summary.archive, summary.missing_refs);
  for (std::size_t i = 0; i < std::min(summary.bad_refs.size(), kRefsNamed); ++i) {
    print_note(fmt::format("{}: skipped a bad ref: {}", summary.archive, summary.bad_refs[i]));
  }
  const std::uint64_t bad_refs = summary.bad_refs.size() + summary.bad_refs_omitted;
  if (bad_refs > kRefsNamed) {
    print_note(fmt::format("{}: skipped {} more (--json names them)", summary.archive,
                           counted(bad_refs - kRefsNamed, "bad ref")));
  }
}

std::string sentence(const GitImportSummary& summary) {
  if (summary.unchanged) {
    return fmt::format("{}: unchanged ({}){}", summary.archive, counted(summary.objects, "object"),
                       missing_words(summary.missing));
  }
  return fmt::format(
      "{}: {}, {} of them new, {} read, {} stored{}", summary.archive,
      counted(summary.objects, "object"), summary.objects_new, format_bytes(summary.bytes_in),
      format_bytes(summary.pack_bytes + summary.index_bytes), missing_words(summary.missing));
}

Result<int> run_import_git(const ImportGitArguments& options, Session& session) {
  const Clock::time_point start = Clock::now();
  if (options.name && options.name->empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "--name is empty (leave it out for a name made from PATH)");
  }
  StoreInPlace into = TRY(open_or_make_store(session));
  const std::uint64_t enough =
      std::max(kStoreMemoryBytes,
               smallest_import_memory_bytes(options.level, !options.no_delta) + kImportSortBytes);
  const Result<GitImportSummary> imported =
      import_git(into.store, options.path,
                 {.name = options.name.value_or(""),
                  .all_objects = options.all_objects,
                  .allow_missing = options.allow_missing,
                  .skip_bad_refs = options.skip_bad_refs,
                  .new_source = options.new_source,
                  .deltas = !options.no_delta,
                  .level = options.level,
                  .work = {.memory_bytes = session.memory_bytes(enough),
                           .lanes = session.lanes(),
                           .operation = session.operation()}});
  session.progress().clear();
  if (!imported) {
    // Removes a store created by this failed import, unless another import uses it.
    static_cast<void>(take_back(std::move(into)).has_value());
    return imported.error();
  }
  const GitImportSummary& summary = *imported;
  if (summary.huge_objects > 0 && !session.options().quiet) {
    print_note(fmt::format("{}: {} above 1 GiB: only bale can read such objects back",
                           summary.archive, counted(summary.huge_objects, "object")));
  }
  note_what_is_odd(summary, session.options().quiet);
  note_what_is_missing(summary);  // with --quiet too: not a summary
  if (!options.no_delta && summary.objects_new > 0) {
    session.warn_of_few_deltas(session.memory_bytes(enough),
                               full_search_import_memory_bytes(options.level));
  }
  if (summary.replaced && !session.options().quiet) {
    print_note(
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
  const auto options = std::make_shared<ImportGitArguments>();
  arguments.required("PATH", "the repository, bare or with a work tree", options->path);
  arguments.text("--name", "N", "the archive's name (default: derived from PATH)", options->name);
  arguments.flag("--all-objects", "also import objects that no ref reaches", options->all_objects);
  arguments.flag("--allow-missing", "record objects that the source lacks instead of failing",
                 options->allow_missing);
  arguments.flag("--skip-bad-refs", "leave out malformed refs and name them",
                 options->skip_bad_refs);
  arguments.flag("--new-source", "continue the archive with a different repository",
                 options->new_source);
  arguments.flag("--no-delta", "store no deltas", options->no_delta);
  arguments.level(options->level);
  return [options](Session& session) { return run_import_git(*options, session); };
}

}  // namespace bale::cli
