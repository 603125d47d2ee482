// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What nobody can be faster than: the work itself, without a format, an index of its own or a
// promise. The limits of building are contenders (plain_loop.cc, parallel_zstd.cc). Those of
// reading read bale's own packs, which lie in memory: the same bytes, so that only the way differs.

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bench/contender.h"
#include "bench/sample.h"

namespace bale::bench {

/// One sequential write of so many bytes, and fsync apart: the disk's own rate.
[[nodiscard]] Sample write_to_disk(std::uint64_t bytes, const std::string& directory);

/// find() by plain bisection over the sorted records of a pack's index, all of content hashes.
[[nodiscard]] std::unique_ptr<Reading> open_bisection(const std::string& index_path);

/// get() by one reused zstd context, where the payload lies being known beforehand.
[[nodiscard]] std::unique_ptr<Reading> open_zstd(const std::string& pack_path);

/// Where a payload, or one frame of it, lies in a pack, and how large it becomes.
struct StoredPiece {
  std::uint64_t offset = 0;
  std::uint64_t stored_size = 0;
  std::uint64_t size = 0;

  auto operator<=>(const StoredPiece&) const = default;
};

/// All payloads of a pack, frame by frame, in the order in which they lie there.
[[nodiscard]] std::vector<StoredPiece> stored_pieces(const std::string& pack_path);

/// Reading the pack, BLAKE3 over it, and zstd decompression of all pieces, by all cores. Seconds.
[[nodiscard]] double hash_and_decompress(const std::string& pack_path,
                                         std::span<const StoredPiece> pieces);

/// Reading a file and BLAKE3 over it, by one core. Seconds.
[[nodiscard]] double read_and_hash(const std::string& path);

}  // namespace bale::bench
