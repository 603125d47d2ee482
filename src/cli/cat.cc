// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale cat ID|NAME:path: prints only the bytes of an object, after verifying them.

#include <memory>

#include "base/try.h"
#include "cli/errors.h"
#include "cli/store_access.h"
#include "cli/verbs.h"

namespace bale::cli {
namespace {

Result<int> run_cat(const std::string& id, Session& session) {
  const Snapshot store = TRY(open_snapshot(session));
  ReadContext context = store_read_context(session);
  const FoundObject found = TRY(find_object(store, id, context));
  TRY_VOID(store.read(
      found.location, context, [&](Bytes piece) { return session.out().write(piece); }, found.by));
  return kStatusDone;
}

}  // namespace

VerbRun declare_cat(Arguments& arguments) {
  const auto id = std::make_shared<std::string>();
  arguments.required("ID|NAME:path", "an id or Git id (at least 6 digits), or a path in an archive",
                     *id);
  return [id](Session& session) {
    return explained(session, *id, Wanted::kObject, run_cat(*id, session));
  };
}

}  // namespace bale::cli
