// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale pack list PACK: the entries in index order, a line each,
//
//   h|c   id   type   size   stored size   offset   base or -
//
// separated by tabs. The type of a delta is that of its object.

#include <fmt/core.h>

#include <memory>

#include "base/try.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/pack_walk.h"
#include "cli/verbs.h"

namespace bale::cli {
namespace {

std::string text_line(const EntryInfo& entry) {
  return fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}", id_kind_letter(entry.id.kind()),
                     entry.id.to_hex(), to_string(entry.type), entry.size, entry.stored_size,
                     entry.offset, entry.base ? entry.base->to_hex() : "-");
}

std::string json_line(const EntryInfo& entry) {
  JsonLine line;
  line.text("id_kind", id_kind_name(entry.id.kind()))
      .text("id", entry.id.to_hex())
      .text("type", to_string(entry.type))
      .number("size", entry.size)
      .number("stored_size", entry.stored_size)
      .number("offset", entry.offset)
      .text_or_null("base", entry.base ? std::optional(entry.base->to_hex()) : std::nullopt);
  return line.object();
}

Result<int> run_pack_list(const PackPaths& paths, Session& session) {
  const PackReader pack = TRY(open_pack(paths, session));
  ReadContext context = pack_read_context(session);
  TRY(walk_pack(pack, context, session, [&](const EntryInfo& entry) {
    return session.out().line(session.json() ? json_line(entry) : text_line(entry));
  }));
  return kStatusDone;
}

}  // namespace

VerbRun declare_pack_list(Arguments& arguments) {
  const auto paths = std::make_shared<PackPaths>();
  paths->declare(arguments);
  return [paths](Session& session) { return run_pack_list(*paths, session); };
}

}  // namespace bale::cli
