// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Level by level: look up new ids, read the tags among them, continue with their targets.

#include "git/source/tips.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "base/check.h"
#include "base/error.h"
#include "base/try.h"

namespace bale {
namespace {

// An annotated tag begins "object HEX\n".
Result<GitOid> tag_target(const SourceObject& tag, std::string_view payload) {
  static constexpr std::string_view kPrefix = "object ";
  const std::size_t digits = 2 * oid_bytes(tag.oid.hash());
  const bool well_formed = payload.starts_with(kPrefix) &&
                           payload.size() > kPrefix.size() + digits &&
                           payload[kPrefix.size() + digits] == '\n';
  if (well_formed) {
    Result<GitOid> target = GitOid::from_hex(payload.substr(kPrefix.size(), digits));
    if (target) return target;
  }
  return fail(ErrorCode::kIncomplete, "the tag {} does not name its object", tag.oid.to_hex());
}

}  // namespace

Result<void> look_up(ObjectReader& reader, std::span<const GitOid> oids, const UseObject& use) {
  while (!oids.empty()) {
    const std::span<const GitOid> piece = oids.first(std::min(oids.size(), reader.window()));
    for (const GitOid& oid : piece) TRY(reader.request_info(oid));
    for (std::size_t i = 0; i < piece.size(); ++i) {
      const std::optional<SourceObject> object = TRY(reader.next());
      CHECK(object.has_value());
      TRY(use(*object));
    }
    oids = oids.subspan(piece.size());
  }
  return {};
}

Result<void> read_beginnings(ObjectReader& reader, std::span<const GitOid> oids,
                             std::size_t limit_bytes, const UsePayload& use) {
  std::string beginning;
  while (!oids.empty()) {
    const std::span<const GitOid> piece = oids.first(std::min(oids.size(), reader.window()));
    for (const GitOid& oid : piece) TRY(reader.request(oid));
    for (std::size_t i = 0; i < piece.size(); ++i) {
      const std::optional<SourceObject> object = TRY(reader.next());
      CHECK(object.has_value());
      beginning.resize(
          static_cast<std::size_t>(std::min<std::uint64_t>(object->size, limit_bytes)));
      TRY(reader.read_all(std::as_writable_bytes(std::span(beginning))));
      TRY(use(*object, beginning));
    }
    oids = oids.subspan(piece.size());
  }
  return {};
}

Result<Tips> resolve_tips(ObjectReader& reader, const std::vector<GitOid>& oids) {
  static constexpr std::size_t kTagBeginningBytes = 128;
  Tips tips;
  std::set<GitOid> seen;
  std::vector<GitOid> level = oids;
  while (!level.empty()) {
    std::vector<GitOid> fresh;
    for (const GitOid& oid : level) {
      if (seen.insert(oid).second) fresh.push_back(oid);
    }
    level.clear();
    std::vector<GitOid> tags;
    TRY(look_up(reader, fresh, [&](const SourceObject& object) -> Result<void> {
      std::vector<GitOid>& kind = object.missing                       ? tips.missing
                                  : object.type == ObjectType::kAction ? tags
                                                                       : tips.walkable;
      kind.push_back(object.oid);
      return {};
    }));
    TRY(read_beginnings(reader, tags, kTagBeginningBytes,
                        [&](const SourceObject& tag, std::string_view payload) -> Result<void> {
                          if (tag.missing) {  // removed meanwhile
                            tips.missing.push_back(tag.oid);
                            return {};
                          }
                          tips.tags.push_back(tag.oid);
                          level.push_back(TRY(tag_target(tag, payload)));
                          return {};
                        }));
  }
  return tips;
}

}  // namespace bale
