// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale show ID|NAME:path: an object's properties, including its Git id. Types have Git's names;
// "record" is a record of bale's own, which has no Git id.
//
// Finding an entry's Git id requires hashing: the payload is read once, under both of Git's hashes,
// and the id that the store knows is printed. This also verifies the payload.

#include <fmt/core.h>

#include <memory>
#include <optional>

#include "base/try.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/store_access.h"
#include "cli/verbs.h"
#include "hash/git_hash.h"

namespace bale::cli {
namespace {

Result<std::optional<GitOid>> git_id_of(const Snapshot& store, const FoundObject& found,
                                        const EntryInfo& info, ReadContext& context,
                                        const Session& session) {
  GitHasher sha1(GitHash::kSha1, info.type, info.size);
  GitHasher sha256(GitHash::kSha256, info.type, info.size);
  TRY_VOID(store.read(
      found.location, context,
      [&](Bytes piece) -> Result<void> {
        sha1.update(piece);
        sha256.update(piece);
        return session.go_on();
      },
      found.by));
  for (GitHasher* hasher : {&sha1, &sha256}) {
    const GitOid oid = hasher->finish();
    if (store.find(oid)) return oid;
  }
  return std::nullopt;
}

Result<int> run_show(const std::string& id, Session& session) {
  const Snapshot store = TRY(open_snapshot(session));
  ReadContext context = store_read_context(session);
  const FoundObject found = TRY(find_object(store, id, context));
  const EntryInfo info = TRY(store.proven_info(found.location, context, found.by));
  std::optional<GitOid> oid = found.oid;
  if (!oid) oid = TRY(git_id_of(store, found, info, context, session));
  const std::optional<std::string> oid_hex = oid ? std::optional(oid->to_hex()) : std::nullopt;
  // Every Git object has a Git id; an action without one that is not a list is a record.
  const bool is_record = info.type == ObjectType::kAction && !oid;
  const std::string type(is_record ? "record" : git_type_name(info.type));
  const std::optional<std::string> base =
      info.base ? std::optional(info.base->to_hex()) : std::nullopt;
  if (session.json()) {
    JsonLine line;
    line.text("id", info.id.to_hex())
        .text_or_null("oid", oid_hex)
        .text("type", type)
        .number("size", info.size)
        .number("stored_size", info.stored_size)
        .text("pack", store.pack_name(found.location.pack))
        .number("offset", info.offset)
        .text_or_null("base", base)
        .number("depth", static_cast<std::uint64_t>(info.depth));
    TRY(session.out().line(line.object()));
    return kStatusDone;
  }
  const std::pair<const char*, std::string> lines[] = {
      {"id", info.id.to_hex()},
      {"oid", oid_hex.value_or("-")},
      {"type", type},
      {"size", fmt::format("{}", info.size)},
      {"stored_size", fmt::format("{}", info.stored_size)},
      {"pack", store.pack_name(found.location.pack)},
      {"offset", fmt::format("{}", info.offset)},
      {"base", base.value_or("-")},
      {"depth", fmt::format("{}", info.depth)},
  };
  for (const auto& [key, value] : lines) TRY(session.out().line(tab_line({key, value})));
  return kStatusDone;
}

}  // namespace

VerbRun declare_show(Arguments& arguments) {
  const auto id = std::make_shared<std::string>();
  arguments.required("ID|NAME:path", "an id or Git id (at least 6 digits), or a path in an archive",
                     *id);
  return [id](Session& session) {
    return explained(session, *id, Wanted::kObject, run_show(*id, session));
  };
}

}  // namespace bale::cli
