// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale refs NAME: the refs of an archive, sorted, a line each: full name and object id. A symbolic
// ref has the id that its target has, or none, and names the target in JSON.

#include <memory>
#include <optional>
#include <string>

#include "bale/ref_list.h"
#include "base/try.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/store_access.h"
#include "cli/verbs.h"

namespace bale::cli {
namespace {

Result<int> run_refs(const std::string& name, Session& session) {
  const ArchivePath place = TRY(parse_record_name(name));
  const Snapshot store = TRY(open_snapshot(session));
  ReadContext context = store_read_context(session);
  const ArchiveRecord entry = TRY(store.record(place.name, place.record_back, context));
  const RefList refs = TRY(RefList::read(store, entry.record, context));
  RefList::Reader reader(refs);
  while (const std::optional<Ref> ref = TRY(reader.next())) {
    TRY(session.go_on());
    const std::optional<std::string> oid =
        ref->oid ? std::optional(ref->oid->to_hex()) : std::nullopt;
    if (session.json()) {
      JsonLine line;
      line.text("ref", ref->name).text_or_null("oid", oid);
      if (!ref->target.empty()) line.text("target", ref->target);
      TRY(session.out().line(line.object()));
    } else {
      TRY(session.out().line(tab_line({ref->name, oid.value_or("-")})));
    }
  }
  return kStatusDone;
}

}  // namespace

VerbRun declare_refs(Arguments& arguments) {
  const auto name = std::make_shared<std::string>();
  arguments.required("NAME", "the archive; NAME@N: its Nth record before the newest", *name);
  return [name](Session& session) {
    return explained(session, *name, Wanted::kArchive, run_refs(*name, session));
  };
}

}  // namespace bale::cli
