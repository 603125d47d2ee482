// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale pack cat PACK ID: prints only one payload.

#include <memory>

#include "base/try.h"
#include "cli/errors.h"
#include "cli/pack_walk.h"
#include "cli/verbs.h"

namespace bale::cli {
namespace {

struct PackCatArguments {
  PackPaths paths;
  std::string id;
};

Result<int> run_pack_cat(const PackCatArguments& options, Session& session) {
  const PackReader pack = TRY(open_pack(options.paths, session));
  const ObjectId id = TRY(find_in_pack(pack, options.id));
  ReadContext context = pack_read_context(session);
  static_cast<void>(
      TRY(pack.read(id, context, [&](Bytes piece) { return session.out().write(piece); })));
  return kStatusDone;
}

}  // namespace

VerbRun declare_pack_cat(Arguments& arguments) {
  const auto options = std::make_shared<PackCatArguments>();
  options->paths.declare(arguments);
  arguments.required("ID", "the object's id (at least 6 digits)", options->id);
  return [options](Session& session) { return run_pack_cat(*options, session); };
}

}  // namespace bale::cli
