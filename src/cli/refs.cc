// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale refs NAME: the refs of an archive, sorted, a line each: full name and object id. A symbolic
// ref has the id that its target has, or none, and names the target in JSON.

#include <map>
#include <memory>
#include <optional>

#include "base/try.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/store_access.h"
#include "cli/verbs.h"

namespace bale::cli {
namespace {

struct Ref {
  std::optional<std::string> oid;
  std::optional<std::string> target;
};

std::map<std::string, Ref> all_refs(const Record& record) {
  std::map<std::string, Ref> refs;
  for (const auto& [name, oid] : record.refs) refs[name].oid = oid.to_hex();
  for (const auto& [name, target] : record.symrefs) {
    Ref& ref = refs[name];
    ref.target = target;
    const auto found = record.refs.find(target);
    if (found != record.refs.end()) ref.oid = found->second.to_hex();
  }
  return refs;
}

Result<int> run_refs(const std::string& name, Session& session) {
  const ArchivePath place = TRY(parse_record_name(name));
  const Store store = TRY(open_store(session));
  ReadContext context = store_read_context(session);
  const ArchiveRecord entry = TRY(store.record(place.name, place.record_back, context));
  for (const auto& [ref, value] : all_refs(entry.record)) {
    TRY(session.go_on());
    if (session.json()) {
      JsonLine line;
      line.text("ref", ref).text_or_null("oid", value.oid);
      if (value.target) line.text("target", *value.target);
      TRY(session.out().line(line.object()));
    } else {
      TRY(session.out().line(tab_line({ref, value.oid.value_or("-")})));
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
