// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale log NAME: the records of an archive, newest first, a line each: record, time, source,
// numbers of refs, objects, new objects, missing objects.

#include <fmt/core.h>

#include <memory>

#include "base/try.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/store_access.h"
#include "cli/verbs.h"
#include "object/utc_time.h"

namespace bale::cli {
namespace {

Result<void> print(const ArchiveRecord& entry, Session& session) {
  const Record& record = entry.record;
  const std::string time = format_utc(record.time);
  if (session.json()) {
    JsonLine line;
    line.text("record", entry.id.to_hex())
        .text("time", time)
        .text("source", record.source)
        .number("refs", record.count_refs())
        .number("objects", record.objects)
        .number("objects_new", record.objects_new)
        .number("missing", record.missing.count);
    return session.out().line(line.object());
  }
  return session.out().line(
      tab_line({entry.id.to_hex(), time, record.source, fmt::format("{}", record.count_refs()),
                fmt::format("{}", record.objects), fmt::format("{}", record.objects_new),
                fmt::format("{}", record.missing.count)}));
}

Result<int> run_log(const std::string& name, Session& session) {
  const ArchivePath place = TRY(parse_record_name(name));
  const Snapshot store = TRY(open_snapshot(session));
  ReadContext context = store_read_context(session);
  RecordReader records = TRY(store.records(place.name, place.record_back, context));
  while (const std::optional<ArchiveRecord> entry = TRY(records.next())) {
    TRY(print(*entry, session));
    TRY(session.go_on());
  }
  return kStatusDone;
}

}  // namespace

VerbRun declare_log(Arguments& arguments) {
  const auto name = std::make_shared<std::string>();
  arguments.required("NAME", "the archive; NAME@N: start at its Nth record before the newest",
                     *name);
  return [name](Session& session) {
    return explained(session, *name, Wanted::kArchive, run_log(*name, session));
  };
}

}  // namespace bale::cli
