// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Abbreviated ids: what a prefix in hex leads to, over all packs and all three kinds of id.

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "bale/store.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/try.h"
#include "store/store_impl.h"

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
  void offer(const ObjectLocation& location, std::string id, std::optional<GitOid> oid) {
    if (found_ && found_->location == location) return;
    if (found_ && found_id_ == id) return;  // the same object in another pack
    if (found_) {
      ambiguous_ = true;
      return;
    }
    found_ = FoundObject{location, oid};
    found_id_ = std::move(id);
  }

  [[nodiscard]] bool ambiguous() const { return ambiguous_; }

  [[nodiscard]] const std::optional<FoundObject>& found() const { return found_; }

 private:
  std::optional<FoundObject> found_;
  std::string found_id_;
  bool ambiguous_ = false;
};

}  // namespace

Result<FoundObject> Store::find_prefix(std::string_view hex) const {
  const auto lowest = lowest_with(hex);
  if (hex.size() < kMinDigits || hex.size() > 64 || !lowest) {
    return fail(ErrorCode::kInvalidArgument, "'{}' is not an id: {} to 64 hex digits", hex,
                kMinDigits);
  }
  std::string lower(hex);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
  Candidates candidates;
  for (std::uint32_t number = 0; number < pack_count(); ++number) {
    const StoredPack& pack = *impl_->packs()[number];
    for (const IdKind kind : {IdKind::kContentHash, IdKind::kChangeId}) {
      if (lower.size() > 2 * id_bytes(kind)) continue;
      const ObjectId from(kind, Bytes(*lowest).first(id_bytes(kind)));
      for (std::uint64_t i = pack.reader.lower_bound(from);
           i < pack.reader.record_count() && !candidates.ambiguous(); ++i) {
        const IndexRecord record = TRY(pack.reader.record(i));
        std::string id = record.id.to_hex();
        if (record.id.kind() != kind || !id.starts_with(lower)) break;
        candidates.offer({number, record.offset}, std::move(id), std::nullopt);
      }
    }
    if (!pack.git_index || lower.size() > 2 * oid_bytes(pack.git_index->hash())) continue;
    const GitIndexView& index = *pack.git_index;
    const GitOid from(index.hash(), Bytes(*lowest).first(oid_bytes(index.hash())));
    for (std::uint64_t i = index.lower_bound(from);
         i < index.record_count() && !candidates.ambiguous(); ++i) {
      const GitOid oid = index.oid(i);
      std::string id = oid.to_hex();
      if (!id.starts_with(lower)) break;
      candidates.offer({number, index.offset(i)}, std::move(id), oid);
    }
  }
  if (candidates.ambiguous()) {
    return fail(ErrorCode::kInvalidArgument, "{} begins more than one id (give more digits)", hex);
  }
  if (!candidates.found()) {
    return fail(ErrorCode::kNotFound, "{}: there is no object {}", path(), hex);
  }
  return *candidates.found();
}

}  // namespace bale
