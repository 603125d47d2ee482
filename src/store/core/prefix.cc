// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Abbreviated ids: what a prefix in hex leads to, over all packs and all three kinds of id.

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "bale/snapshot.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/known_id.h"
#include "base/try.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

constexpr std::size_t kMinDigits = 6;

// The smallest id that begins with these digits: they are followed by zeros.
std::optional<std::array<std::byte, 32>> lowest_with(std::string_view hex) {
  std::string padded(hex);
  padded.resize(64, '0');
  std::array<std::byte, 32> bytes;
  if (!parse_hex(padded, bytes)) return std::nullopt;
  return bytes;
}

class Candidates {
 public:
  // Two ids of the same object (its content hash and its Git id) are one candidate.
  void offer(const FoundObject& found, std::string id) {
    const ObjectLocation& location = found.location;
    if (found_ && found_->location == location) return;
    if (found_ && found_id_ == id) return;  // the same object in another pack
    if (found_) {
      ambiguous_ = true;
      return;
    }
    found_ = found;
    found_id_ = std::move(id);
  }

  [[nodiscard]] bool ambiguous() const { return ambiguous_; }

  [[nodiscard]] const std::optional<FoundObject>& found() const { return found_; }

 private:
  std::optional<FoundObject> found_;
  std::string found_id_;
  bool ambiguous_ = false;
};

std::optional<FoundObject> find_exact(const Snapshot& store, const std::string& hex) {
  if (const Result<GitOid> oid = GitOid::from_hex(hex)) {
    if (const auto location = store.find(*oid)) return FoundObject{*location, *oid, *oid};
  }
  if (const Result<ObjectId> id = ObjectId::from_hex(hex)) {
    if (const auto location = store.find(*id)) {
      return FoundObject{*location, std::nullopt, *id};
    }
  }
  return std::nullopt;
}

}  // namespace

Result<FoundObject> Snapshot::find_prefix(std::string_view hex) const {
  const auto lowest = lowest_with(hex);
  if (hex.size() < kMinDigits || hex.size() > 64 || !lowest) {
    return fail(ErrorCode::kInvalidArgument, "'{}' is not an id: {} to 64 hex digits", hex,
                kMinDigits);
  }
  std::string lower(hex);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
  // All digits of an id are no abbreviation, whatever longer ids begin with them.
  if (const auto exact = find_exact(*this, lower)) return *exact;
  Candidates candidates;
  // Which ids begin so is a matter of all of them.
  const std::shared_ptr<const PackSet> packs = TRY(packs_->proven());
  for (const IdKind kind : {IdKind::kContentHash, IdKind::kChangeId}) {
    if (lower.size() > 2 * id_bytes(kind)) continue;
    packs->for_each_from(known_id<ObjectId>(kind, Bytes(*lowest).first(id_bytes(kind))),
                         [&](const ObjectId& found, const ObjectLocation& location) {
                           std::string id = found.to_hex();
                           if (!id.starts_with(lower)) return false;
                           candidates.offer({location, std::nullopt, found}, std::move(id));
                           return !candidates.ambiguous();
                         });
  }
  for (std::uint32_t table = 0; table < packs->table_count(); ++table) {
    const std::size_t oid_size = oid_bytes(packs->hash(table));
    if (lower.size() > 2 * oid_size) continue;
    const auto from = known_id<GitOid>(packs->hash(table), Bytes(*lowest).first(oid_size));
    for (std::uint64_t i = packs->lower_bound(table, from);
         i < packs->record_count(table) && !candidates.ambiguous(); ++i) {
      const GitOid oid = packs->oid(table, i);
      const auto location = packs->location(table, i);
      std::string id = oid.to_hex();
      if (!location || !id.starts_with(lower)) break;
      candidates.offer({*location, oid, oid}, std::move(id));
    }
  }
  if (candidates.ambiguous()) {
    return fail(ErrorCode::kInvalidArgument, "{} begins more than one id (give more digits)", hex);
  }
  if (!candidates.found()) {
    if (packs->inaccessible() != nullptr) return missing(fmt::format("object {}", hex));
    return fail(ErrorCode::kNotFound, "{}: there is no object {}", path(), hex);
  }
  return *candidates.found();
}

}  // namespace bale
