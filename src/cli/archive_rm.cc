// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale archive rm NAME: removes an archive. Its objects stay until `bale gc`, and `bale archive
// undo` restores it until then.

#include <fmt/core.h>

#include <memory>
#include <string>

#include "bale/archive_changes.h"
#include "base/try.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/store_access.h"
#include "cli/verbs.h"
#include "object/printable.h"

namespace bale::cli {
namespace {

Result<int> run_archive_rm(const std::string& name, Session& session) {
  Store store = TRY(open_store(session));
  const RemovedArchive removed =
      TRY(remove_archive(store, name,
                         {.work = {.memory_bytes = session.memory_bytes(kStoreMemoryBytes),
                                   .operation = session.operation()}}));
  JsonLine line;
  line.text("archive", name).text("record", removed.record.to_hex()).text("pack", removed.pack);
  TRY(session.summary(line.object(),
                      fmt::format("{}: removed (bale archive undo {} restores it until bale gc "
                                  "frees its space)",
                                  name, shell_word(name))));
  return kStatusDone;
}

}  // namespace

VerbRun declare_archive_rm(Arguments& arguments) {
  const auto name = std::make_shared<std::string>();
  arguments.required("NAME", "the archive ('bale gc' frees its space)", *name);
  return [name](Session& session) {
    return explained(session, *name, Wanted::kArchive, run_archive_rm(*name, session));
  };
}

}  // namespace bale::cli
