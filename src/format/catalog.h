// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The catalog file of a store: the location of every id in many packs. Derived data: it can be
// rebuilt from the packs' indexes.
//
//   header    "BCAT"  version u32 BE = 1  pack count u64 BE  record counts, 4 times u64 BE
//   packs     the names of the packs it covers, 32 bytes each, newest first
//   records   four rows, each sorted by its key: Git ids of SHA-1 (20 bytes), of SHA-256 (32),
//             content hashes (32), change ids (16); after the key the pack's number u32 BE and the
//             entry's offset u64 BE. Each key once: of several packs, that of the newest
//   trailer   "BALECAT1"  BLAKE3 of all bytes before the hash (32)

#pragma once

#include <array>
#include <cstdint>

#include "bale/bytes.h"
#include "bale/git_oid.h"
#include "bale/object.h"
#include "bale/result.h"

namespace bale {

inline constexpr std::size_t kCatalogHeaderBytes = 4 + 4 + 8 + 4 * 8;
inline constexpr std::size_t kCatalogCountsPosition = 16;
inline constexpr std::size_t kCatalogNameBytes = 32;
inline constexpr std::size_t kCatalogPlaceBytes = 4 + 8;  ///< of a record, behind its key
inline constexpr std::size_t kCatalogTrailerBytes = 8 + 32;

enum class CatalogRow : std::uint8_t { kSha1 = 0, kSha256 = 1, kContentHash = 2, kChangeId = 3 };

inline constexpr std::array kCatalogRows{CatalogRow::kSha1, CatalogRow::kSha256,
                                         CatalogRow::kContentHash, CatalogRow::kChangeId};

[[nodiscard]] constexpr std::size_t catalog_key_bytes(CatalogRow row) {
  constexpr std::array<std::size_t, 4> kBytes{20, 32, 32, 16};
  return kBytes[static_cast<std::size_t>(row)];
}

[[nodiscard]] constexpr std::size_t catalog_record_bytes(CatalogRow row) {
  return catalog_key_bytes(row) + kCatalogPlaceBytes;
}

[[nodiscard]] constexpr CatalogRow catalog_row(GitHash hash) {
  return hash == GitHash::kSha1 ? CatalogRow::kSha1 : CatalogRow::kSha256;
}

[[nodiscard]] constexpr CatalogRow catalog_row(IdKind kind) {
  return kind == IdKind::kContentHash ? CatalogRow::kContentHash : CatalogRow::kChangeId;
}

struct CatalogHeader {
  std::uint64_t pack_count = 0;
  std::array<std::uint64_t, 4> record_counts{};  ///< by CatalogRow

  bool operator==(const CatalogHeader&) const = default;
};

[[nodiscard]] std::array<std::byte, kCatalogHeaderBytes> encode_catalog_header(
    const CatalogHeader& header);

/// kCorrupt for a wrong magic or version, and for counts that do not fill `file_bytes` exactly.
Result<CatalogHeader> decode_catalog_header(Bytes bytes, std::uint64_t file_bytes);

/// The bytes before the checksum.
[[nodiscard]] Bytes catalog_trailer_magic();

}  // namespace bale
