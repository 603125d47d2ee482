// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The .gitidx file: maps Git object ids to the entries of a pack. Derived data: it can be rebuilt
// from the pack by hashing each object again.
//
//   header   "BGIX"  version u32 BE = 1  hash kind u32 BE (1 SHA-1, 2 SHA-256)  0 u32  count u64 BE
//   records  Git object id (20 or 32 bytes), offset u64 BE of the entry; sorted by id
//   trailer  "BALEGIX1"  the pack's trailer (32)  BLAKE3 of all bytes before it (32)

#pragma once

#include <array>
#include <cstdint>

#include "bale/bytes.h"
#include "bale/git_oid.h"
#include "bale/result.h"
#include "format/container.h"

namespace bale {

inline constexpr std::size_t kGitIndexHeaderBytes = 24;
inline constexpr std::size_t kGitIndexCountPosition = 16;
inline constexpr std::size_t kGitIndexTrailerBytes = 8 + 32 + 32;

struct GitIndexHeader {
  GitHash hash = GitHash::kSha1;
  std::uint64_t record_count = 0;
};

/// The stride of the records.
[[nodiscard]] constexpr std::size_t git_record_bytes(GitHash hash) {
  return oid_bytes(hash) + 8;
}

[[nodiscard]] std::array<std::byte, kGitIndexHeaderBytes> encode_git_index_header(
    const GitIndexHeader& header);

/// kCorrupt for a wrong magic or version, an unknown hash, or a count that does not fill
/// `file_bytes` exactly.
Result<GitIndexHeader> decode_git_index_header(Bytes bytes, std::uint64_t file_bytes);

[[nodiscard]] std::array<std::byte, 40> encode_git_index_trailer_start(const Digest& pack_trailer);

/// Decodes the last kGitIndexTrailerBytes of a file. kCorrupt for a wrong magic.
Result<IndexTrailer> decode_git_index_trailer(Bytes bytes);

}  // namespace bale
