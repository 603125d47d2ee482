// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale verify [NAME]: checks a store, or everything that one archive reaches. Errors go to standard
// error, a line each, or into the JSON object; then the exit status is 3. Lost objects with the
// refs affected, and unneeded files, go to standard output:
//
//   lost: blob 1234...: it is in none of the packs
//     linux@0 refs/heads/main: drivers/net/x.c
//     also: drivers/net/y.c
//
//   archive without a file: linux: its newest record is 9abc..., of 2026-11-23T04:19:58Z; (...)
//   debris: archive.bale/staging/5678...: left by a process that ended (...)
//
// Lost objects that are not traced are printed first, a line each, and the refs that they affect at
// the end.

#include <fmt/core.h>

#include <charconv>
#include <memory>
#include <set>

#include "bale/store_verifier.h"
#include "base/counted.h"
#include "base/error.h"
#include "base/try.h"
#include "cli/check_report.h"
#include "cli/json_line.h"
#include "cli/missing_notes.h"
#include "cli/store_access.h"
#include "cli/verbs.h"
#include "object/printable.h"
#include "object/utc_time.h"

namespace bale::cli {
namespace {

struct VerifyArguments {
  std::string name;
  bool quick = false;
  bool full = false;
  std::string sample;
  std::optional<std::uint64_t> seed;
};

// "5%" or "0.5%".
Result<double> parse_share(std::string_view text) {
  double percent = 0;
  if (text.ends_with('%')) {
    const char* const end = text.data() + text.size() - 1;
    const auto parsed = std::from_chars(text.data(), end, percent, std::chars_format::fixed);
    if (parsed.ec == std::errc() && parsed.ptr == end && percent > 0 && percent <= 100) {
      return percent / 100;
    }
  }
  return fail(ErrorCode::kInvalidArgument,
              "--sample {}: not a share of the objects (for example 5% or 0.5%)", text);
}

Result<StoreCheckOptions> check_options(const VerifyArguments& options, Session& session) {
  if (options.quick && options.full) {
    return fail(ErrorCode::kInvalidArgument, "--quick and --full exclude each other (give one)");
  }
  if (!options.sample.empty() && (options.quick || options.full || !options.name.empty())) {
    return fail(ErrorCode::kInvalidArgument,
                "--sample checks the whole store and excludes other modes (leave out {})",
                options.quick  ? "--quick"
                : options.full ? "--full"
                               : "NAME");
  }
  if (options.seed && options.sample.empty()) {
    return fail(ErrorCode::kInvalidArgument, "--seed needs --sample (give both)");
  }
  StoreCheckOptions check{.quick = options.quick,
                          .sample_seed = options.seed,
                          .work = {.memory_bytes = session.memory_bytes(kStoreMemoryBytes),
                                   .operation = session.operation()}};
  if (!options.name.empty()) check.archive = options.name;
  if (!options.sample.empty()) check.sample = TRY(parse_share(options.sample));
  return check;
}

// Appends to the items of a JSON array.
void append_item(std::string& items, std::string_view item) {
  items += (items.empty() ? "" : ",");
  items += item;
}

std::string json_array(const std::vector<LostObject::Touch>& touches) {
  std::string items;
  for (const LostObject::Touch& touch : touches) {
    JsonLine line;
    line.text("archive", touch.archive)
        .text("record", fmt::format("{}@{}", touch.archive, touch.record_back))
        .text("ref", touch.ref);
    if (!touch.path.empty()) line.text("path", touch.path);
    append_item(items, line.object());
  }
  return "[" + items + "]";
}

std::string json_object(const LostObject& lost) {
  JsonLine line;
  line.text("oid", lost.oid.to_hex())
      .text_or_null(
          "type", lost.type ? std::optional<std::string>(git_type_name(*lost.type)) : std::nullopt)
      .text("why", lost.why)
      .value("traced", lost.traced ? "true" : "false")
      .value("touches", json_array(lost.touches))
      .number("touches_omitted", lost.touches_omitted)
      .texts("paths", lost.paths)
      .number("paths_omitted", lost.paths_omitted);
  return line.object();
}

std::string json_array(const std::vector<LostObject>& lost) {
  std::string items;
  for (const LostObject& object : lost) append_item(items, json_object(object));
  return "[" + items + "]";
}

std::string words(const LostObject::Touch& touch) {
  const std::string ref =
      fmt::format("  {}@{} {}", touch.archive, touch.record_back, quoted_name(touch.ref));
  return touch.path.empty() ? ref : ref + ": " + quoted_name(touch.path);
}

std::string sentence_about(const LostObject& lost) {
  return fmt::format("lost: {} {}: {}", lost.type ? git_type_name(*lost.type) : "object",
                     lost.oid.to_hex(), escaped(lost.why));
}

Result<void> print_lost(const LostObject& lost, Output& out) {
  TRY(out.line(sentence_about(lost)));
  std::set<std::string> told;
  for (const LostObject::Touch& touch : lost.touches) {
    TRY(out.line(words(touch)));
    told.insert(touch.path);
  }
  if (lost.touches_omitted > 0) TRY(out.line(fmt::format("  and {} more", lost.touches_omitted)));
  for (const std::string& path : lost.paths) {
    if (!told.contains(path)) TRY(out.line("  also: " + quoted_name(path)));
  }
  if (lost.paths_omitted > 0) {
    TRY(out.line(fmt::format("  also: {}", counted(lost.paths_omitted, "more path"))));
  }
  if (lost.traced && lost.touches.empty()) TRY(out.line("  no ref of any archive needs it"));
  return {};
}

std::string json_array(const std::vector<ArchiveWithoutFile>& archives) {
  std::string items;
  for (const ArchiveWithoutFile& archive : archives) {
    JsonLine line;
    line.text("archive", archive.name)
        .text("record", archive.record.to_hex())
        .text("time", format_utc(archive.time))
        .value("removed", archive.removed ? "true" : "false");
    append_item(items, line.object());
  }
  return "[" + items + "]";
}

std::string sentence_about(const ArchiveWithoutFile& archive) {
  const std::string newest =
      fmt::format("archive without a file: {}: its newest record is {}, of {}", archive.name,
                  archive.record.to_hex(), format_utc(archive.time));
  return newest + (archive.removed
                       ? ", which removed the archive; its file in archives/ was lost "
                         "(bale repair restores it)"
                       : "; its file in archives/ was lost, or its first import was killed "
                         "(bale repair restores it, bale gc keeps it)");
}

std::string json_array(const std::vector<ArchiveMissing>& archives) {
  std::string items;
  for (const ArchiveMissing& archive : archives) {
    JsonLine line;
    line.text("archive", archive.name)
        .number("missing", archive.objects)
        .number("records", archive.records);
    append_item(items, line.object());
  }
  return "[" + items + "]";
}

std::string json_array(const std::vector<OddLink>& links) {
  std::string items;
  for (const OddLink& link : links) {
    JsonLine line;
    line.text("oid", link.oid.to_hex())
        .text("claimed", git_type_name(link.claimed))
        .text("type", git_type_name(link.stored))
        .text("from", link.from);
    append_item(items, line.object());
  }
  return "[" + items + "]";
}

std::string json_array(const std::vector<MalformedObject>& objects) {
  std::string items;
  for (const MalformedObject& object : objects) {
    JsonLine line;
    line.text("oid", object.oid.to_hex()).text("why", object.why);
    append_item(items, line.object());
  }
  return "[" + items + "]";
}

// Prints oddities that are not damage.
Result<void> print_oddities(const StoreReport& report, Output& out) {
  for (const OddLink& link : report.odd_links) {
    TRY(out.line(fmt::format("odd: {} links to {} as a {}, but it is a {}", escaped(link.from),
                             link.oid.to_hex(), git_type_name(link.claimed),
                             git_type_name(link.stored))));
  }
  if (report.odd_links_omitted > 0) {
    TRY(out.line(fmt::format("odd: {}", counted(report.odd_links_omitted, "more such link"))));
  }
  for (const MalformedObject& object : report.malformed) {
    TRY(out.line(fmt::format("odd: {} (stored unchanged)", escaped(object.why))));
  }
  if (report.malformed_omitted > 0) {
    TRY(out.line(fmt::format("odd: {}", counted(report.malformed_omitted, "more such object"))));
  }
  return {};
}

std::uint64_t missing_objects(const StoreReport& report) {
  std::uint64_t sum = 0;
  for (const ArchiveMissing& archive : report.missing) sum += archive.objects;
  return sum;
}

Result<void> print_details(const StoreReport& report, Session& session) {
  if (session.json() || session.options().quiet) return {};
  session.progress().clear();
  Output& out = session.out();
  for (const LostObject& lost : report.lost) TRY(print_lost(lost, out));
  if (!report.others_touch.empty()) {
    TRY(out.line("refs affected by the remaining lost objects:"));
    for (const LostObject::Touch& touch : report.others_touch) TRY(out.line(words(touch)));
  }
  if (report.others_touch_omitted > 0) {
    TRY(out.line(fmt::format("  and {} more", report.others_touch_omitted)));
  }
  for (const ArchiveWithoutFile& archive : report.archives_without_file) {
    TRY(out.line(sentence_about(archive)));
  }
  for (const ArchiveMissing& archive : report.missing) {
    const std::string newest = archive.objects == 0
                                   ? ""
                                   : fmt::format("its source lacked {} at the newest record; ",
                                                 counted(archive.objects, "object"));
    TRY(out.line(fmt::format("missing: {}: {}{} objects", archive.name, newest,
                             archive.records == 1
                                 ? "1 record lacks"
                                 : fmt::format("{} records lack", archive.records))));
  }
  TRY(print_oddities(report, out));
  return print_listing(
      {.count = report.debris.size(),
       .omitted = report.debris_omitted,
       .print = [&](std::size_t i) { return out.line("debris: " + escaped(report.debris[i])); },
       .print_more =
           [&](std::uint64_t count) { return out.line(fmt::format("debris: {} more", count)); }});
}

Result<int> run_verify(const VerifyArguments& options, Session& session) {
  StoreCheckOptions check = TRY(check_options(options, session));
  std::string other_oids;  // for JSON
  check.on_lost = [&](const LostObject& lost) -> Result<void> {
    if (session.json()) {
      append_item(other_oids, json_string(lost.oid.to_hex()));
      return {};
    }
    if (session.options().quiet) return {};
    session.progress().clear();
    return session.out().line(sentence_about(lost));
  };
  const Store store = TRY(open_store(session));
  const StoreReport report = TRY(verify_store(store, check));
  TRY(print_details(report, session));
  JsonLine counts;
  counts.number("objects", report.objects)
      .number("bytes", report.bytes)
      .number("packs", report.packs)
      .value("lost", json_array(report.lost))
      .value("lost_others", "[" + other_oids + "]")
      .value("others_touch", json_array(report.others_touch))
      .number("others_touch_omitted", report.others_touch_omitted)
      .value("archives_without_file", json_array(report.archives_without_file))
      .texts("debris", report.debris)
      .number("debris_omitted", report.debris_omitted)
      .number("missing", missing_objects(report))
      .value("missing_in", json_array(report.missing))
      .value("odd_links", json_array(report.odd_links))
      .number("odd_links_omitted", report.odd_links_omitted)
      .value("malformed", json_array(report.malformed))
      .number("malformed_omitted", report.malformed_omitted);
  if (report.sample_seed) counts.number("sample_seed", *report.sample_seed);
  const std::string where =
      options.name.empty() ? store.path() : store.path() + ": " + options.name;
  const std::string sample = report.sample_seed ? fmt::format(" ({} of them, by --seed {})",
                                                              options.sample, *report.sample_seed)
                                                : "";
  const std::string without_file =
      report.archives_without_file.empty()
          ? ""
          : fmt::format(", {} without a file",
                        counted(report.archives_without_file.size(), "archive"));
  return report_findings(session, {report.errors, report.errors_omitted, where}, counts,
                         fmt::format("{} in {}{}{}{}", counted(report.objects, "object"),
                                     counted(report.packs, "pack"), sample, without_file,
                                     missing_words(missing_objects(report))));
}

}  // namespace

VerbRun declare_verify(Arguments& arguments) {
  const auto options = std::make_shared<VerifyArguments>();
  arguments.optional("NAME", "check only what this archive reaches", options->name);
  arguments.flag("--quick", "structure and checksums only", options->quick);
  arguments.flag("--full", "every object, every link, every Git id (the default)", options->full);
  arguments.text("--sample", "SHARE", "check structure and a random share of the objects, like 5%",
                 options->sample);
  arguments.count("--seed", "N", "repeat the sample drawn with seed N", options->seed);
  return [options](Session& session) {
    return explained(session, options->name, Wanted::kArchive, run_verify(*options, session));
  };
}

}  // namespace bale::cli
