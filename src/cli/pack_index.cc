// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale pack index PACK OUT.idx: rebuilds the index from the pack, in bounded memory.

#include <fmt/core.h>

#include <memory>

#include "bale/pack_verifier.h"
#include "base/counted.h"
#include "base/try.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/verbs.h"

namespace bale::cli {
namespace {

struct PackIndexArguments {
  std::string pack;
  std::string index;
};

Result<int> run_pack_index(const PackIndexArguments& options, Session& session) {
  const IndexReport report =
      TRY(make_index(options.pack, {.index_path = options.index,
                                    .work = {.memory_bytes = session.memory_bytes(kPackMemoryBytes),
                                             .lanes = session.lanes(),
                                             .operation = session.operation()}}));
  JsonLine line;
  line.number("objects", report.objects)
      .number("duplicates", report.duplicates)
      .number("index_bytes", report.index_bytes);
  TRY(session.summary(line.object(),
                      fmt::format("{}: the index of {} ({} of them duplicates)", options.index,
                                  counted(report.objects, "object"), report.duplicates)));
  return kStatusDone;
}

}  // namespace

VerbRun declare_pack_index(Arguments& arguments) {
  const auto options = std::make_shared<PackIndexArguments>();
  arguments.required("PACK", "the pack", options->pack);
  arguments.required("OUT.idx", "the index to write; an existing file is replaced", options->index);
  return [options](Session& session) { return run_pack_index(*options, session); };
}

}  // namespace bale::cli
