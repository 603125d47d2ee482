// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The fixed parts of pack and index files: headers, index records and trailers.
//
//   pack    "LMPK"  version u32 BE = 2  entry count u64 BE  | entries |  BLAKE3 of all before (32)
//   index   "LMI\0" version u32 BE = 2  record count u64 BE | records |  trailer
//   record  tagged id (33 or 17 bytes)  offset u64 BE
//   trailer "BALEIDX1"  the pack's trailer (32)  BLAKE3 of all index bytes before it (32)
//
// The records are sorted by id, all content hashes before all change ids. With h hashes and c
// change ids, h + c = count and 41 h + 25 c = the bytes of the record area, so both areas are
// arrays with a fixed stride. The index trailer is bale's addition: other readers stop after
// `count` records.

#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "bale/bytes.h"
#include "bale/object.h"
#include "bale/result.h"

namespace bale {

using Digest = std::array<std::byte, 32>;

inline constexpr std::size_t kHeaderBytes = 16;  // of a pack and of an index
inline constexpr std::size_t kPackTrailerBytes = 32;
inline constexpr std::size_t kMinPackBytes = kHeaderBytes + kPackTrailerBytes;
inline constexpr std::size_t kCountPosition = 8;  // of the count in either header

inline constexpr std::size_t kHashRecordBytes = 1 + 32 + 8;
inline constexpr std::size_t kChangeRecordBytes = 1 + 16 + 8;
inline constexpr std::size_t kIndexTrailerBytes = 8 + 32 + 32;

using FileHeader = std::array<std::byte, kHeaderBytes>;

[[nodiscard]] FileHeader encode_pack_header(std::uint64_t entry_count);
[[nodiscard]] FileHeader encode_index_header(std::uint64_t record_count);

/// The entry count; kCorrupt for a wrong magic or version, or fewer than kHeaderBytes.
Result<std::uint64_t> decode_pack_header(Bytes bytes);

/// The positions of an index's parts.
struct IndexLayout {
  std::uint64_t hash_count = 0;
  std::uint64_t change_count = 0;
  bool has_trailer = false;

  [[nodiscard]] std::uint64_t record_count() const { return hash_count + change_count; }

  /// The length of the record area.
  [[nodiscard]] std::uint64_t record_bytes() const {
    return hash_count * kHashRecordBytes + change_count * kChangeRecordBytes;
  }
};

/// Derives the layout from the first kHeaderBytes and the file's last kIndexTrailerBytes (all of it
/// if it is shorter). kCorrupt if no layout fits.
Result<IndexLayout> decode_index_layout(Bytes header, Bytes tail, std::uint64_t file_bytes);

struct IndexTrailer {
  Digest pack_trailer;
  Digest checksum;  // over all index bytes before it
};

/// The first 40 bytes of an index trailer, which its checksum covers.
[[nodiscard]] std::array<std::byte, 40> encode_index_trailer_start(const Digest& pack_trailer);

/// nullopt for another magic: an index of another writer.
[[nodiscard]] std::optional<IndexTrailer> decode_index_trailer(Bytes bytes);

/// A record as the sorter stores it: tag, 32 bytes of id (a change id is padded with zeros), offset
/// BE. Its byte order is the index's order; of equal ids the first entry wins.
using SortRecord = std::array<std::byte, kHashRecordBytes>;

[[nodiscard]] SortRecord make_sort_record(const ObjectId& id, std::uint64_t offset);
[[nodiscard]] ObjectId sort_record_id(const SortRecord& record);
[[nodiscard]] std::uint64_t sort_record_offset(const SortRecord& record);

/// The stride of records of a kind.
[[nodiscard]] constexpr std::size_t record_bytes(IdKind kind) {
  return 1 + id_bytes(kind) + 8;
}

}  // namespace bale
