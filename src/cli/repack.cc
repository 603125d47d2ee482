// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale repack: combines packs into one, or into several of --max-pack bytes.

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "bale/store_repack.h"
#include "base/budget.h"
#include "base/counted.h"
#include "base/error.h"
#include "base/try.h"
#include "cli/check_report.h"
#include "cli/json_line.h"
#include "cli/store_access.h"
#include "cli/verbs.h"
#include "codec/zstd.h"

namespace bale::cli {
namespace {

struct RepackArguments {
  std::optional<std::uint64_t> max_pack;
  std::optional<std::uint64_t> level;
  bool recompress = false;
  bool delta = false;
  bool dry_run = false;
};

std::string sentence(const RepackSummary& summary, bool dry_run) {
  if (summary.bytes_before == 0) {
    return fmt::format("nothing to do: {}", counted(summary.packs_before, "pack"));
  }
  const std::string sizes =
      dry_run && summary.bytes_after == 0
          ? fmt::format("of {}", format_bytes(summary.bytes_before))
          : fmt::format("{} before, {} after", format_bytes(summary.bytes_before),
                        format_bytes(summary.bytes_after));
  return fmt::format("{}{} {} {}: {}, {} dropped, {}", dry_run ? "would do: " : "",
                     counted(summary.packs_before, "pack"),
                     summary.packs_before == 1 ? "becomes" : "become", summary.packs_after,
                     counted(summary.objects, "object"), counted(summary.duplicates, "duplicate"),
                     sizes);
}

Result<int> run_repack(const RepackArguments& options, Session& session) {
  if (options.level && !options.recompress && !options.delta) {
    return fail(ErrorCode::kInvalidArgument,
                "--level has no effect without compression (give --recompress or --delta too)");
  }
  if (options.level && (*options.level < kMinLevel || *options.level > kMaxLevel)) {
    return fail(ErrorCode::kInvalidArgument, "--level {}: not a level from {} to {}",
                *options.level, kMinLevel, kMaxLevel);
  }
  RepackOptions repack{.max_pack_bytes = options.max_pack.value_or(0),
                       .recompress = options.recompress,
                       .find_bases = options.delta,
                       .level = static_cast<int>(options.level.value_or(3)),
                       .dry_run = options.dry_run,
                       .work = {.lanes = session.lanes(), .operation = session.operation()}};
  repack.work.memory_bytes =
      session.memory_bytes(std::max(kStoreMemoryBytes, smallest_repack_memory_bytes(repack)));
  Store store = TRY(open_store(session));
  const RepackSummary summary = TRY(repack_store(store, repack));
  if (options.delta && summary.bytes_before > 0) {
    session.warn_of_few_deltas(repack.work.memory_bytes, full_search_repack_memory_bytes(repack));
  }
  JsonLine line;
  line.number("packs_before", summary.packs_before)
      .number("packs_after", summary.packs_after)
      .number("objects", summary.objects)
      .number("duplicates", summary.duplicates)
      .number("bytes_before", summary.bytes_before)
      .value("bytes_after", options.dry_run && summary.bytes_before > 0 && summary.bytes_after == 0
                                ? "null"
                                : fmt::format("{}", summary.bytes_after))
      .value("packs_made", json_strings(summary.packs_made))
      .value("dry_run", options.dry_run ? "true" : "false");
  return report_findings(session, {summary.damaged, 0, store.path()}, line,
                         sentence(summary, options.dry_run));
}

}  // namespace

VerbRun declare_repack(Arguments& arguments) {
  const auto options = std::make_shared<RepackArguments>();
  arguments.size("--max-pack", "start a new pack at this size", options->max_pack);
  arguments.flag("--recompress", "compress all objects again instead of copying them",
                 options->recompress);
  arguments.flag("--delta", "find new delta bases across all imports; implies --recompress",
                 options->delta);
  arguments.count("--level", "L", "compression level for --recompress and --delta, 1 to 22 (3)",
                  options->level);
  arguments.flag("--dry-run", "only print what would be done", options->dry_run);
  return [options](Session& session) { return run_repack(*options, session); };
}

}  // namespace bale::cli
