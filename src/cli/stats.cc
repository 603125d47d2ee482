// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale stats: what the store holds, in numbers.

#include <fmt/core.h>

#include <memory>
#include <string>

#include "bale/store_statistics.h"
#include "base/budget.h"
#include "base/try.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/store_access.h"
#include "cli/verbs.h"

namespace bale::cli {
namespace {

constexpr ObjectType kTypes[] = {ObjectType::kBlob, ObjectType::kTree, ObjectType::kState,
                                 ObjectType::kAction};

std::string json_object(const StoreStatistics& statistics) {
  JsonLine types;
  for (const ObjectType type : kTypes) {
    const TypeStatistics& of = statistics.types.at(static_cast<std::size_t>(type));
    JsonLine one;
    one.number("objects", of.objects)
        .number("bytes", of.bytes)
        .number("stored_bytes", of.stored_bytes);
    types.value(to_string(type), one.object());
  }
  std::string depths;
  for (const std::uint64_t count : statistics.objects_by_depth) {
    depths += (depths.empty() ? "" : ",") + fmt::format("{}", count);
  }
  JsonLine line;
  line.number("archives", statistics.archives)
      .number("records", statistics.records)
      .number("packs", statistics.packs)
      .number("objects", statistics.objects)
      .number("bytes", statistics.bytes())
      .number("stored_bytes", statistics.stored_bytes())
      .number("pack_bytes", statistics.pack_bytes)
      .number("index_bytes", statistics.index_bytes)
      .number("deltas", statistics.deltas)
      .value("objects_by_depth", "[" + depths + "]")
      .value("compression_ratio", fmt::format("{:.3f}", statistics.compression_ratio()))
      .value("dedup_ratio", fmt::format("{:.3f}", statistics.dedup_ratio()))
      .value("types", types.object());
  return line.object();
}

Result<void> print(const StoreStatistics& statistics, Output& out) {
  TRY(out.line(fmt::format("{} archives with {} records, {} packs", statistics.archives,
                           statistics.records, statistics.packs)));
  TRY(out.line(fmt::format("packs {}, indexes {}", format_bytes(statistics.pack_bytes),
                           format_bytes(statistics.index_bytes))));
  TRY(out.line(fmt::format("{:<8} {:>12} {:>14} {:>14}", "type", "objects", "bytes", "stored")));
  for (const ObjectType type : kTypes) {
    const TypeStatistics& of = statistics.types.at(static_cast<std::size_t>(type));
    TRY(out.line(fmt::format("{:<8} {:>12} {:>14} {:>14}", to_string(type), of.objects, of.bytes,
                             of.stored_bytes)));
  }
  TRY(out.line(fmt::format("{:<8} {:>12} {:>14} {:>14}", "all", statistics.objects,
                           statistics.bytes(), statistics.stored_bytes())));
  TRY(out.line(fmt::format(
      "payloads became {:.2f} times smaller; {} deltas, the deepest {} deep",
      statistics.compression_ratio(), statistics.deltas,
      statistics.objects_by_depth.empty() ? 0 : statistics.objects_by_depth.size() - 1)));
  return out.line(
      fmt::format("archives share objects {:.2f} times on average", statistics.dedup_ratio()));
}

Result<int> run(Session& session) {
  const Store store = TRY(open_store(session));
  const StoreStatistics statistics =
      TRY(store_statistics(store, read_memory_bytes(session), session.operation()));
  session.progress().clear();
  if (session.json()) {
    TRY(session.out().line(json_object(statistics)));
  } else {
    TRY(print(statistics, session.out()));
  }
  return kStatusDone;
}

}  // namespace

VerbRun declare_stats(Arguments& /*arguments*/) {
  return run;
}

}  // namespace bale::cli
