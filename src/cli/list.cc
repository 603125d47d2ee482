// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale list: the archives of a store, a line each: name, kind, newest record, how many records,
// objects, time, source.

#include <fmt/core.h>

#include <memory>

#include "base/try.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/store_access.h"
#include "cli/verbs.h"
#include "object/utc_time.h"
#include "store/record_chain.h"

namespace bale::cli {
namespace {

// The record and all that came before it.
Result<std::uint64_t> count_records(const Store& store, const ObjectId& newest,
                                    ReadContext& context, const Session& session) {
  std::uint64_t count = 0;
  RecordChain chain = chain_from(store, newest, context);
  while (TRY(chain.next())) {
    TRY(session.go_on());
    ++count;
  }
  return count;
}

Result<int> run(Session& session) {
  const Store store = TRY(open_store(session));
  ReadContext context = store_read_context(session);
  for (const std::string& name : TRY(store.archives())) {
    const Result<ArchiveRecord> read = store.record(name, 0, context);
    // Removed since the names were read.
    if (!read && read.error().code == ErrorCode::kNotFound) continue;
    if (!read) return read.error();
    const ArchiveRecord& newest = *read;
    const Record& record = newest.record;
    const std::uint64_t records = TRY(count_records(store, newest.id, context, session));
    const std::string time = format_utc(record.time);
    if (session.json()) {
      JsonLine line;
      line.text("name", name)
          .text("kind", to_string(record.kind))
          .text("record", newest.id.to_hex())
          .number("records", records)
          .number("objects", record.objects)
          .text("time", time)
          .text("source", record.source);
      TRY(session.out().line(line.object()));
    } else {
      TRY(session.out().line(tab_line({name, std::string(to_string(record.kind)),
                                       newest.id.to_hex(), fmt::format("{}", records),
                                       fmt::format("{}", record.objects), time, record.source})));
    }
  }
  return kStatusDone;
}

}  // namespace

VerbRun declare_list(Arguments& /*arguments*/) {
  return run;
}

}  // namespace bale::cli
