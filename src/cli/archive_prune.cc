// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale archive prune NAME --keep N: drops all but the newest N records of an archive. Objects that
// only they reached stay until `bale gc`; until then `bale archive undo` restores the records.

#include <fmt/core.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "bale/archive_changes.h"
#include "base/counted.h"
#include "base/error.h"
#include "base/try.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/store_access.h"
#include "cli/verbs.h"
#include "object/printable.h"

namespace bale::cli {
namespace {

struct ArchivePruneArguments {
  std::string name;
  std::optional<std::uint64_t> keep;
  bool dry_run = false;
};

// "would drop x@3 to x@7"
std::string predicted(const std::string& name, const PrunedArchive& pruned) {
  const std::uint64_t kept = pruned.records_kept;
  std::string gone = "the lost older records";
  if (pruned.records_dropped > 0) gone = fmt::format("{}@{}", name, kept);
  if (pruned.records_dropped > 1) {
    gone += fmt::format(" to {}@{}", name, kept + pruned.records_dropped - 1);
  }
  return fmt::format("{}: would keep {}, would drop {}{}", name, counted(kept, "record"), gone,
                     pruned.older_unreadable && pruned.records_dropped > 0
                         ? ", and older ones that are lost"
                         : "");
}

std::string sentence(const std::string& name, const PrunedArchive& pruned, bool dry_run) {
  if (dry_run && pruned.changed()) return predicted(name, pruned);
  if (!pruned.changed()) {
    return fmt::format("{}: nothing to do, it has {}", name,
                       counted(pruned.records_kept, "record"));
  }
  const std::string done =
      fmt::format("{}: {} kept, {} dropped", name, counted(pruned.records_kept, "record"),
                  pruned.records_dropped);
  if (pruned.older_unreadable) {
    return done + ", and older ones that are lost (bale gc frees their space)";
  }
  return done + fmt::format(
                    " (bale archive undo {} restores them until bale gc frees their "
                    "space)",
                    shell_word(name));
}

Result<int> run_archive_prune(const ArchivePruneArguments& options, Session& session) {
  if (!options.keep) {
    return fail(ErrorCode::kInvalidArgument,
                "the number of records to keep is missing (give --keep N)");
  }
  Store store = TRY(open_store(session));
  const ArchiveChangeOptions how{.work = {.memory_bytes = session.memory_bytes(kStoreMemoryBytes),
                                          .operation = session.operation()}};
  const PrunedArchive pruned =
      TRY(options.dry_run ? predict_prune(store, options.name, *options.keep, how)
                          : prune_archive(store, options.name, *options.keep, how));
  const std::optional<std::string> pack =
      pruned.pack.empty() ? std::nullopt : std::optional(pruned.pack);
  JsonLine line;
  line.text("archive", options.name)
      .number("records_kept", pruned.records_kept)
      .number("records_dropped", pruned.records_dropped)
      .value("older_unreadable", pruned.older_unreadable ? "true" : "false")
      .text("record", pruned.record.to_hex())
      .text_or_null("pack", pack)
      .value("dry_run", options.dry_run ? "true" : "false");
  TRY(session.summary(line.object(), sentence(options.name, pruned, options.dry_run)));
  return kStatusDone;
}

}  // namespace

VerbRun declare_archive_prune(Arguments& arguments) {
  const auto options = std::make_shared<ArchivePruneArguments>();
  arguments.required("NAME", "the archive ('bale gc' frees the space)", options->name);
  arguments.count("--keep", "N", "number of newest records to keep, 1 or more", options->keep);
  arguments.flag("--dry-run", "only print what would be removed", options->dry_run);
  return [options](Session& session) {
    return explained(session, options->name, Wanted::kArchive,
                     run_archive_prune(*options, session));
  };
}

}  // namespace bale::cli
