// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale repair: repairs a store as far as possible. It names each object still lost on standard
// error, a line each, or in the JSON object; then the exit status is 3.

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bale/git_object_source.h"
#include "bale/store_repair.h"
#include "base/counted.h"
#include "base/error.h"
#include "base/try.h"
#include "cli/check_report.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/signals.h"
#include "cli/verbs.h"
#include "object/printable.h"
#include "store/core/layout.h"

namespace bale::cli {
namespace {

struct RepairArguments {
  std::string from;
  bool dry_run = false;
  bool verbose = false;
};

// A directory with a store's marker is a store; anything else should be a Git repository.
Result<std::unique_ptr<ObjectSource>> open_source(const std::string& path,
                                                  const Operation& operation) {
  if (posix_file_system().stat(StoreLayout{path}.mark())) return open_store_source(path);
  return open_git_object_source(path, operation);
}

// The Error for a lost record with this id, with the remedy: a Git repository has no records.
std::optional<Error> record_loss(const RepairSummary& summary, const std::string& id) {
  const auto& records = summary.records_lost;
  const auto lost = std::find_if(records.begin(), records.end(),
                                 [&](const LostRecord& record) { return record.id == id; });
  if (lost == records.end()) return std::nullopt;
  std::string drop;
  if (lost->back > 0) {
    drop = fmt::format("; bale archive prune {} --keep {} drops it and the older ones",
                       shell_word(lost->archive), lost->back);
  }
  return fail(ErrorCode::kCorrupt,
              "record {}@{} ({}) is lost (give --from another store that has it{})", lost->archive,
              lost->back, id, drop);
}

// The errors that remain. The first lost object that is not a record names the remedy.
std::vector<Error> losses(const RepairSummary& summary, bool from) {
  std::vector<Error> errors;
  for (const std::string& name : summary.archives_lost) {
    const bool has_pointer = std::any_of(
        summary.records_lost.begin(), summary.records_lost.end(),
        [&](const LostRecord& record) { return record.archive == name && record.back == 0; });
    errors.push_back(
        has_pointer
            ? fail(ErrorCode::kCorrupt,
                   "archive {}: all its records are lost (give --from another store that has them, "
                   "or drop the archive with bale archive rm {})",
                   name, shell_word(name))
            : fail(ErrorCode::kCorrupt,
                   "archive {}: its file is damaged, and the store has no record of it (if there "
                   "was "
                   "such an archive, import it again)",
                   name));
  }
  for (const std::string& name : summary.archives_gone_back) {
    errors.push_back(
        fail(ErrorCode::kCorrupt,
             "archive {}: its newest record is lost, with the objects that only it had "
             "(import it again)",
             name));
  }
  std::vector<Error> objects;
  for (const std::string& id : summary.lost) {
    if (const std::optional<Error> record = record_loss(summary, id)) {
      errors.push_back(*record);
    } else {
      objects.push_back(fail(ErrorCode::kCorrupt, "object {} is lost", id));
    }
  }
  if (!objects.empty()) {
    objects.front().message +=
        from
            ? " (import its source again, or give another --from PATH: a store or a Git repository "
              "that has it)"
            : " (import its source again, or give --from PATH: a store or a Git repository that "
              "has it)";
  }
  errors.insert(errors.end(), objects.begin(), objects.end());
  errors.insert(errors.end(), summary.unreadable.begin(), summary.unreadable.end());
  for (const Error& error : summary.inaccessible) {
    errors.push_back(fail(error, "{} (not changed)", error.message));
  }
  return errors;
}

// Whether the store is sound: nothing was repaired, and nothing is lost.
bool is_idle(const RepairSummary& summary) {
  return summary.packs_salvaged == 0 && summary.indexes_made == 0 &&
         summary.git_indexes_made == 0 && summary.archives_recovered.empty() &&
         summary.objects_refetched == 0 && summary.objects_lost == 0 && summary.losses_known &&
         summary.set_aside.empty() && summary.notes.empty() && summary.unreadable.empty() &&
         summary.archives_gone_back.empty() && summary.archives_lost.empty() &&
         summary.lost_deltas.empty();
}

std::string sentence(const RepairSummary& summary, bool dry_run) {
  if (is_idle(summary)) return "nothing to repair";
  std::string text = fmt::format(
      "{}{} salvaged with {}, {} and {} made, {} recovered, {} fetched, {}",
      dry_run ? "would do: " : "", counted(summary.packs_salvaged, "pack"),
      counted(summary.objects_salvaged, "object"), counted(summary.indexes_made, "index"),
      counted(summary.git_indexes_made, "Git index"),
      counted(summary.archives_recovered.size(), "archive"),
      counted(summary.objects_refetched, "object"),
      summary.losses_known ? fmt::format("{} lost", summary.objects_lost)
                           : "missing objects not checked");
  if (!summary.set_aside.empty()) {
    text += fmt::format("; {} {} to damaged/", counted(summary.set_aside.size(), "file"),
                        dry_run ? "would move" : "moved");
  }
  return text;
}

Result<void> print_details(const RepairSummary& summary, std::size_t most, Output& out) {
  for (const std::string& note : summary.notes) TRY(out.line(escaped(note)));
  return print_listing(
      {.count = summary.lost_deltas.size(),
       .omitted = summary.lost_deltas_omitted,
       .most = most,
       .print = [&](std::size_t i) { return out.line(escaped(summary.lost_deltas[i])); },
       .print_more =
           [&](std::uint64_t count) {
             return out.line(fmt::format(
                 "lost in damaged packs: {}{}", counted(count, "more delta"),
                 summary.lost_deltas.size() > most ? " (--verbose or --json lists them)" : ""));
           }});
}

Result<int> run_repair(const RepairArguments& options, Session& session) {
  const std::string path = TRY(session.store_path());
  name_mapped_files(path, session.json());
  const Operation operation = session.operation();
  std::unique_ptr<ObjectSource> source;
  if (!options.from.empty()) source = TRY(open_source(options.from, operation));
  const std::uint64_t memory = std::max(kStoreMemoryBytes, smallest_repair_memory_bytes());
  const RepairSummary summary =
      TRY(repair_store(path, {.from = source.get(),
                              .dry_run = options.dry_run,
                              .work = {.memory_bytes = session.memory_bytes(memory),
                                       .lanes = session.lanes(),
                                       .operation = operation}}));
  session.progress().clear();
  const std::size_t most = options.verbose ? SIZE_MAX : kMostPrinted;
  if (!session.json() && !session.options().quiet) TRY(print_details(summary, most, session.out()));
  JsonLine line;
  line.number("packs_salvaged", summary.packs_salvaged)
      .number("indexes_made", summary.indexes_made)
      .number("git_indexes_made", summary.git_indexes_made)
      .value("archives_recovered", json_strings(summary.archives_recovered))
      .value("archives_gone_back", json_strings(summary.archives_gone_back))
      .value("archives_lost", json_strings(summary.archives_lost))
      .number("objects_salvaged", summary.objects_salvaged)
      .number("objects_refetched", summary.objects_refetched)
      .number("objects_lost", summary.objects_lost)
      .value("lost", json_strings(summary.lost))
      .texts("unreadable", with_advice(summary.unreadable))
      .texts("inaccessible", with_advice(summary.inaccessible))
      .value("losses_known", summary.losses_known ? "true" : "false")
      .texts("lost_deltas", summary.lost_deltas)
      .number("lost_deltas_omitted", summary.lost_deltas_omitted)
      .texts("set_aside", summary.set_aside)
      .texts("notes", summary.notes)
      .value("dry_run", options.dry_run ? "true" : "false");
  const std::vector<Error> errors = losses(summary, source != nullptr);
  // The number of printed archives.
  const std::size_t archives = summary.archives_lost.size() + summary.archives_gone_back.size();
  return report_findings(session,
                         {.errors = errors,
                          .errors_omitted = summary.objects_lost - summary.lost.size(),
                          .where = path,
                          .most = options.verbose ? SIZE_MAX : archives + kMostPrinted},
                         line, sentence(summary, options.dry_run));
}

}  // namespace

VerbRun declare_repair(Arguments& arguments) {
  const auto options = std::make_shared<RepairArguments>();
  arguments.text("--from", "PATH", "a store or a Git repository that may have what is lost",
                 options->from);
  arguments.flag("--dry-run", "only print what would be done", options->dry_run);
  arguments.flag("--verbose", "name all lost objects, not only the first", options->verbose);
  return [options](Session& session) { return run_repair(*options, session); };
}

}  // namespace bale::cli
