// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale cat ID, or NAME:path: the bytes of an object, and only them. They are proven only when the
// status is 0: what is wrong with a large object may show after much of it was printed.

#include <memory>

#include "bale/tree.h"
#include "base/error.h"
#include "base/try.h"
#include "cli/errors.h"
#include "cli/store_access.h"
#include "cli/verbs.h"

namespace bale::cli {
namespace {

Result<ObjectLocation> locate(const Store& store, const std::string& what, ReadContext& context) {
  // No id has a colon in it.
  if (what.find(':') == std::string::npos) return TRY(store.find_prefix(what)).location;
  const ArchivePath path = TRY(parse_archive_path(what));
  const ResolvedPath at = TRY(resolve_path(store, path, context));
  if (at.type == ObjectType::kTree) {
    return fail(ErrorCode::kInvalidArgument, "{} is a directory (bale ls lists it)", what);
  }
  return at.location;
}

Result<int> run(const std::string& what, Session& session) {
  const Store store = TRY(open_store(session));
  ReadContext context = store_read_context(session);
  const ObjectLocation location = TRY(locate(store, what, context));
  static_cast<void>(
      TRY(store.read(location, context, [&](Bytes piece) { return session.out().write(piece); })));
  return kStatusDone;
}

}  // namespace

VerbRun declare_cat(Arguments& arguments) {
  const auto what = std::make_shared<std::string>();
  arguments.required("ID|NAME:path",
                     "an object's id or Git id, or at least 6 digits of it; or a file's place",
                     *what);
  return [what](Session& session) { return run(*what, session); };
}

}  // namespace bale::cli
