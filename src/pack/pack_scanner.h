// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// PackScanner: walks over a pack from its first byte to its last, once, and hashes it on the way.
//
//   PackScanner scanner = TRY(PackScanner::create(pack_bytes, budget, operation));
//   while (const auto* entry = TRY(scanner.next())) use(entry->offset, entry->header);
//   // nullptr: all entries were there, and the trailer is right
//
// It needs no index and decodes no payload. Damage is kCorrupt with the offset; after an error in
// an entry's header nothing can be known of what follows.
//
// Memory: a read buffer of 1 MiB, charged. Not thread-safe.

#pragma once

#include <cstdint>
#include <optional>

#include "bale/progress.h"
#include "bale/result.h"
#include "base/budget.h"
#include "format/entry.h"
#include "hash/blake3.h"
#include "pack/pack_bytes.h"

namespace bale {

struct ScannedEntry {
  std::uint64_t offset = 0;
  EntryHeader header;
};

inline constexpr std::size_t kScanBufferBytes = 1 << 20;

class PackScanner {
 public:
  /// Pack and operation must outlive the scanner.
  [[nodiscard]] static Result<PackScanner> create(const PackBytes& pack, Budget& budget,
                                                  const Operation& operation);

  /// The next entry, valid until the call after; nullptr at the end.
  Result<const ScannedEntry*> next();

  /// For after an error: hashes the rest of the pack. kCorrupt if the checksum is wrong.
  Result<void> check_rest();

 private:
  PackScanner() = default;

  Result<void> fill();
  Result<void> advance(std::uint64_t bytes);
  Result<void> check_trailer();

  const PackBytes* pack_ = nullptr;
  const Operation* operation_ = nullptr;
  Buffer buffer_;
  std::uint64_t buffer_offset_ = 0;  // in the file
  std::size_t buffer_size_ = 0;
  std::uint64_t position_ = 0;  // in the file
  std::uint64_t entries_seen_ = 0;
  Blake3Hasher hasher_;  // of everything before buffer_offset_ + buffer_size_, without the trailer
  ScannedEntry entry_;
};

}  // namespace bale
