// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale ls NAME[:path]: the entries of a tree, a line each: mode, type, Git id, size, name. Of a
// file it lists the file itself.

#include <fmt/core.h>

#include <memory>
#include <optional>
#include <string>

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
  const std::string_view type = git_type_name(item.type);
  if (session.json()) {
    JsonLine line;
    line.text("mode", mode).text("type", type).text("oid", item.oid.to_hex());
    if (item.size) {
      line.number("size", *item.size);
    } else {
      line.value("size", "null");
    }
    line.text("name", item.name);
    return session.out().line(line.object());
  }
  return session.out().line(tab_line({mode, std::string(type), item.oid.to_hex(),
                                      item.size ? fmt::format("{}", *item.size) : "-", item.name}));
}

Result<int> run(const std::string& what, Session& session) {
  const ArchivePath path = TRY(parse_archive_path(what));
  const Store store = TRY(open_store(session));
  ReadContext context = store_read_context(session);
  const ResolvedPath at = TRY(resolve_path(store, path, context));
  if (at.type == ObjectType::kTree) {
    TRY(list_tree(store, at.location, at.oid.hash(), context,
                  [&](const TreeItem& item) { return print(item, session); }));
    return kStatusDone;
  }
  const EntryInfo info = TRY(store.pack(at.location.pack).info_at(at.location.offset, context));
  const std::string whole = path.path.value_or("");
  TRY(print({.mode = at.mode,
             .type = at.type,
             .oid = at.oid,
             .size = info.size,
             .name = whole.substr(whole.rfind('/') + 1)},
            session));
  return kStatusDone;
}

}  // namespace

VerbRun declare_ls(Arguments& arguments) {
  const auto what = std::make_shared<std::string>();
  arguments.required("NAME[:path]", "an archive or a path in it; NAME@N:path, NAME/REF:path too",
                     *what);
  return [what](Session& session) { return run(*what, session); };
}

}  // namespace bale::cli
