// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale archive undo NAME: undoes the last `archive rm` or `archive prune` of this name, unless
// `bale gc` has removed the objects.

#include <fmt/core.h>

#include <memory>
#include <string>

#include "bale/archive_changes.h"
#include "base/counted.h"
#include "base/try.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/store_access.h"
#include "cli/verbs.h"

namespace bale::cli {
namespace {

Result<int> run_archive_undo(const std::string& name, Session& session) {
  Store store = TRY(open_store(session));
  const UndoneChange undone =
      TRY(undo_archive_change(store, name,
                              {.work = {.memory_bytes = session.memory_bytes(kStoreMemoryBytes),
                                        .operation = session.operation()}}));
  session.progress().clear();
  JsonLine line;
  line.text("archive", name)
      .text("undone", undone.removal ? "rm" : "prune")
      .number("records", undone.records)
      .number("records_back", undone.records_back)
      .text("record", undone.record.to_hex())
      .text("pack", undone.pack);
  TRY(session.summary(line.object(),
                      fmt::format("{}: undid {}: {} back, {} in all", name,
                                  undone.removal ? "archive rm" : "archive prune",
                                  counted(undone.records_back, "record"), undone.records)));
  return kStatusDone;
}

}  // namespace

VerbRun declare_archive_undo(Arguments& arguments) {
  const auto name = std::make_shared<std::string>();
  arguments.required("NAME", "the archive that was removed or pruned", *name);
  return [name](Session& session) { return run_archive_undo(*name, session); };
}

}  // namespace bale::cli
