// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale archive prune NAME --keep N: drops an archive's records but the newest N. What only they
// reached stays until `bale gc`.

#include <fmt/core.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "bale/archive_changes.h"
#include "base/error.h"
#include "base/try.h"
#include "cli/counted.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/store_access.h"
#include "cli/verbs.h"

namespace bale::cli {
namespace {

struct Options {
  std::string name;
  std::optional<std::uint64_t> keep;
};

std::string sentence(const std::string& name, const PrunedArchive& pruned) {
  if (!pruned.changed()) {
    return fmt::format("{}: nothing to do, it has {}", name,
                       counted(pruned.records_kept, "record"));
  }
  return fmt::format("{}: {} kept, {} dropped{} (bale gc gives their space back)", name,
                     counted(pruned.records_kept, "record"), pruned.records_dropped,
                     pruned.older_unreadable ? ", and older ones that are lost" : "");
}

Result<int> run(const Options& options, Session& session) {
  if (!options.keep) {
    return fail(ErrorCode::kInvalidArgument,
                "how many records to keep is not said (give --keep N)");
  }
  Store store = TRY(open_store(session));
  const PrunedArchive pruned = TRY(prune_archive(
      store, options.name, *options.keep,
      {.memory_bytes = session.memory_bytes(kStoreMemoryBytes), .operation = session.operation()}));
  const std::optional<std::string> pack =
      pruned.pack.empty() ? std::nullopt : std::optional(pruned.pack);
  JsonLine line;
  line.text("archive", options.name)
      .number("records_kept", pruned.records_kept)
      .number("records_dropped", pruned.records_dropped)
      .value("older_unreadable", pruned.older_unreadable ? "true" : "false")
      .text("record", pruned.record.to_hex())
      .text_or_null("pack", pack);
  TRY(session.summary(line.object(), sentence(options.name, pruned)));
  return kStatusDone;
}

}  // namespace

VerbRun declare_archive_prune(Arguments& arguments) {
  const auto options = std::make_shared<Options>();
  arguments.required("NAME", "the archive; space comes back with 'bale gc'", options->name);
  arguments.count("--keep", "N", "how many records to keep, the newest ones: 1 or more",
                  options->keep);
  return [options](Session& session) {
    return explained(session, options->name, Wanted::kArchive, run(*options, session));
  };
}

}  // namespace bale::cli
