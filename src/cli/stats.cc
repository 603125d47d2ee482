// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale stats: counts and sizes of a store. Unreadable archives, packs and indexes are named on
// standard error and, with --json, as "errors"; then the exit status is 3, or 1 if all are I/O
// errors.

#include <fmt/core.h>

#include <utility>
#include <vector>

#include "bale/git_oid.h"
#include "bale/store_statistics.h"
#include "base/budget.h"
#include "base/counted.h"
#include "base/try.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/store_access.h"
#include "cli/verbs.h"

namespace bale::cli {
namespace {

std::string json_of(const TypeStatistics& type) {
  JsonLine line;
  line.number("objects", type.objects)
      .number("bytes", type.bytes)
      .number("stored_bytes", type.stored_bytes);
  return line.object();
}

// Types by Git's names, with bale's records separate from tags.
std::vector<std::pair<std::string_view, TypeStatistics>> named_types(
    const StoreStatistics& statistics) {
  std::vector<std::pair<std::string_view, TypeStatistics>> named;
  for (std::size_t i = 0; i < statistics.types.size(); ++i) {
    named.emplace_back(git_type_name(static_cast<ObjectType>(i)), statistics.types[i]);
  }
  TypeStatistics& tags = named.back().second;
  const TypeStatistics& records = statistics.record_entries;
  tags.objects -= records.objects;
  tags.bytes -= records.bytes;
  tags.stored_bytes -= records.stored_bytes;
  named.emplace_back("record", records);
  return named;
}

std::string json_object(const StoreStatistics& statistics) {
  JsonLine types;
  for (const auto& [name, type] : named_types(statistics)) {
    types.value(name, json_of(type));
  }
  std::string depths;
  for (const std::uint64_t count : statistics.objects_by_depth) {
    depths += fmt::format("{}{}", depths.empty() ? "" : ",", count);
  }
  JsonLine line;
  line.number("archives", statistics.archives)
      .number("records", statistics.records)
      .number("packs", statistics.packs)
      .number("pack_bytes", statistics.pack_bytes)
      .number("index_bytes", statistics.index_bytes)
      .number("objects", statistics.objects)
      .number("bytes", statistics.bytes())
      .number("stored_bytes", statistics.stored_bytes())
      .value("types", types.object())
      .number("deltas", statistics.deltas)
      .value("objects_by_depth", "[" + depths + "]")
      .number("archive_objects", statistics.archive_objects)
      .number("archive_objects_new", statistics.archive_objects_new)
      .number("missing", statistics.missing)
      .value("compression_ratio", fmt::format("{:.4f}", statistics.compression_ratio()))
      .value("dedup_ratio", fmt::format("{:.4f}", statistics.dedup_ratio()))
      .value("errors", error_objects(statistics.errors));
  return line.object();
}

std::vector<std::string> text_lines(const StoreStatistics& statistics) {
  std::vector<std::string> lines = {
      fmt::format("archives     {} ({})", statistics.archives,
                  counted(statistics.records, "record")),
      fmt::format("packs        {} ({} and {} of indexes)", statistics.packs,
                  format_bytes(statistics.pack_bytes), format_bytes(statistics.index_bytes)),
      fmt::format("objects      {} ({} in {}), {}", statistics.objects,
                  format_bytes(statistics.bytes()), format_bytes(statistics.stored_bytes()),
                  counted(statistics.deltas, "delta"))};
  for (const auto& [name, type] : named_types(statistics)) {
    lines.push_back(fmt::format("  {:<10} {} ({} in {})", name, type.objects,
                                format_bytes(type.bytes), format_bytes(type.stored_bytes)));
  }
  const std::size_t depths = statistics.objects_by_depth.size();
  lines.push_back(
      fmt::format("chains       at most {}", counted(depths == 0 ? 0 : depths - 1, "delta")));
  lines.push_back(fmt::format("compression  {:.2f} to 1", statistics.compression_ratio()));
  lines.push_back(fmt::format("dedup        {:.2f} to 1", statistics.dedup_ratio()));
  lines.push_back(fmt::format("missing      {} (absent from the sources)",
                              counted(statistics.missing, "object")));
  return lines;
}

Result<int> run_stats(Session& session) {
  const Snapshot store = TRY(open_snapshot(session));
  const StoreStatistics statistics = TRY(store_statistics(
      store, {.memory_bytes = read_memory_bytes(session), .operation = session.operation()}));
  session.progress().clear();
  for (const Error& error : statistics.errors) print_line(error_line(error));
  const int status = status_of(statistics.errors);
  if (session.json()) {
    TRY(session.out().line(json_object(statistics)));
    return status;
  }
  for (const std::string& line : text_lines(statistics)) TRY(session.out().line(line));
  return status;
}

}  // namespace

VerbRun declare_stats(Arguments& /*arguments*/) {
  return run_stats;
}

}  // namespace bale::cli
