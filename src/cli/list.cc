// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale list: the archives of a store, a line each: name, kind, newest record, how many records,
// objects, time, source, missing objects. Reads only the newest record of each. If it cannot be
// read, the error is on standard error, with --json as "error" in the archive's object; then the
// exit status is 3.

#include <fmt/core.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/try.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/store_access.h"
#include "cli/verbs.h"
#include "object/utc_time.h"

namespace bale::cli {
namespace {

// The readable data of an archive.
struct Listed {
  std::optional<ArchiveRecord> newest;
  std::uint64_t records = 0;
  std::optional<Error> error;  // why it is incomplete
};

Result<Listed> read_archive(const Snapshot& store, const std::string& name, ReadContext& context,
                            const Session& session) {
  Listed listed;
  Result<RecordReader> records = store.records(name, 0, context);
  if (!records) {
    // Too little --memory is not an error of the archive.
    if (records.error().code == ErrorCode::kLimitExceeded) return records.error();
    // Otherwise it was removed since the names were read.
    if (records.error().code != ErrorCode::kNotFound) listed.error = records.error();
    return listed;
  }
  RecordReader::Total total = records->total();
  TRY(session.go_on());
  listed.newest = TRY(records->next());
  listed.records = total.records;
  listed.error = std::move(total.error);
  return listed;
}

std::string json_object(const std::string& name, const Listed& listed) {
  JsonLine line;
  line.text("name", name);
  if (listed.newest) {
    const Record& record = listed.newest->record;
    line.text("kind", to_string(record.kind))
        .text("record", listed.newest->id.to_hex())
        .number("records", listed.records)
        .number("objects", record.objects)
        .text("time", format_utc(record.time))
        .text("source", record.source)
        .number("missing", record.missing.count);
  }
  if (listed.error) line.value("error", error_object(*listed.error));
  return line.object();
}

Result<void> print(const std::string& name, const Listed& listed, Session& session) {
  if (listed.error) print_line(error_line(*listed.error));
  if (session.json()) return session.out().line(json_object(name, listed));
  if (!listed.newest) return {};
  const Record& record = listed.newest->record;
  return session.out().line(
      tab_line({name, std::string(to_string(record.kind)), listed.newest->id.to_hex(),
                fmt::format("{}", listed.records), fmt::format("{}", record.objects),
                format_utc(record.time), record.source, fmt::format("{}", record.missing.count)}));
}

Result<int> run_list(Session& session) {
  const Snapshot store = TRY(open_snapshot(session));
  ReadContext context = store_read_context(session);
  std::vector<Error> errors;
  for (const std::string& name : TRY(store.archives())) {
    const Listed listed = TRY(read_archive(store, name, context, session));
    if (listed.error) errors.push_back(*listed.error);
    if (listed.newest || listed.error) TRY(print(name, listed, session));
  }
  return status_of(errors);
}

}  // namespace

VerbRun declare_list(Arguments& /*arguments*/) {
  return run_list;
}

}  // namespace bale::cli
