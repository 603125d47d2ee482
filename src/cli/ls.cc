// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale ls NAME[:path]: the entries of a tree in its order, a line each: mode, type (in Git's words,
// as `git ls-tree` prints it), Git id, size or -, name. If the path is a file, prints that entry.
// The type is the stored object's, whatever the mode claims.

#include <fmt/core.h>

#include <algorithm>
#include <memory>

#include "bale/tree.h"
#include "base/try.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/store_access.h"
#include "cli/verbs.h"

namespace bale::cli {
namespace {

Result<void> print(const TreeItem& item, Session& session) {
  TRY(session.go_on());
  const std::string mode = fmt::format("{:06o}", item.mode);
  const std::string type(git_type_name(item.type));
  if (!session.json()) {
    const std::string size = item.size ? fmt::format("{}", *item.size) : "-";
    return session.out().line(tab_line({mode, type, item.oid.to_hex(), size, item.name}));
  }
  JsonLine line;
  line.text("mode", mode).text("type", type).text("oid", item.oid.to_hex());
  line.value("size", item.size ? fmt::format("{}", *item.size) : "null");
  return session.out().line(line.text("name", item.name).object());
}

Result<int> run_ls(const std::string& text, Session& session) {
  const Snapshot store = TRY(open_snapshot(session));
  const ArchivePath place = TRY(find_archive_path(store, text));
  // list_tree() uses some in addition.
  const std::uint64_t read_bytes = read_memory_bytes(session);
  ReadContext context(read_bytes - std::min(kAnyObjectBytes, read_bytes / 2));
  const ResolvedPath resolved = TRY(resolve_path(store, place, context));
  if (resolved.type == ObjectType::kTree) {
    TRY(list_tree(store, resolved.location, resolved.oid, context,
                  [&](const TreeItem& item) { return print(item, session); }));
    return kStatusDone;
  }
  const ObjectLocation& location = resolved.location;
  const EntryInfo info = TRY(store.proven_info(location, context, resolved.oid));
  const std::string path = place.path.value_or("");
  TRY(print({.mode = resolved.mode,
             .type = resolved.type,
             .oid = resolved.oid,
             .size = info.size,
             .name = path.substr(path.rfind('/') + 1)},
            session));
  return kStatusDone;
}

}  // namespace

VerbRun declare_ls(Arguments& arguments) {
  const auto place = std::make_shared<std::string>();
  arguments.required("NAME[:path]", "an archive, optionally with a path in it", *place);
  return [place](Session& session) {
    return explained(session, *place, Wanted::kArchive, run_ls(*place, session));
  };
}

}  // namespace bale::cli
