// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale pack dump PACK: the objects in index order, a line each,
//
//   h|c   id   type   size   BLAKE3 of the payload in hex
//
// separated by tabs. Packs with equal lines have equal objects, however they are stored.

#include <fmt/core.h>

#include <memory>

#include "base/hex.h"
#include "base/try.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/pack_walk.h"
#include "cli/verbs.h"
#include "hash/blake3.h"

namespace bale::cli {
namespace {

std::string text_line(const EntryInfo& entry, const std::string& payload_hash) {
  return fmt::format("{}\t{}\t{}\t{}\t{}", id_kind_letter(entry.id.kind()), entry.id.to_hex(),
                     to_string(entry.type), entry.size, payload_hash);
}

std::string json_line(const EntryInfo& entry, const std::string& payload_hash) {
  JsonLine line;
  line.text("id_kind", id_kind_name(entry.id.kind()))
      .text("id", entry.id.to_hex())
      .text("type", to_string(entry.type))
      .number("size", entry.size)
      .text("payload_blake3", payload_hash);
  return line.object();
}

Result<int> run_pack_dump(const PackPaths& paths, Session& session) {
  const PackReader pack = TRY(open_pack(paths, session));
  ReadContext context = pack_read_context(session);
  TRY(walk_pack(pack, context, session, [&](const EntryInfo& entry) -> Result<void> {
    Blake3Hasher hasher;
    TRY_VOID(pack.read_at(entry.offset, context, [&](Bytes piece) -> Result<void> {
      hasher.update(piece);
      return session.go_on();
    }));
    const std::string payload_hash = to_hex(hasher.finish());
    return session.out().line(session.json() ? json_line(entry, payload_hash)
                                             : text_line(entry, payload_hash));
  }));
  return kStatusDone;
}

}  // namespace

VerbRun declare_pack_dump(Arguments& arguments) {
  const auto paths = std::make_shared<PackPaths>();
  paths->declare(arguments);
  return [paths](Session& session) { return run_pack_dump(*paths, session); };
}

}  // namespace bale::cli
