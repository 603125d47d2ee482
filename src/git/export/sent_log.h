// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// SentLog: where the entries of a pack went in the Git pack stream that is being written: what a
// delta needs to name its base.
//
//   const uint64_t ordinal = TRY(log.add(offset, size));     // as entries are read, in their order
//   TRY(log.place(position));                                // as they are written, in that order
//   const auto base = TRY(log.find(offset));                 // of an entry that was added
//   const uint64_t position = TRY(log.position(base->ordinal));    // of one that was placed
//
// Packs come one after another, and bases are in the pack of their deltas; so only the entries of
// the pack that is being read are found. The newest records are in memory, the older ones in a
// scratch file without a name.
//
// Memory: what create() is allowed, whatever the number of entries. Scratch: 24 bytes an entry that
// does not fit. Not thread-safe.

#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "bale/file_system.h"
#include "bale/result.h"
#include "base/budget.h"

namespace bale {

struct SentLogOptions {
  std::uint64_t memory_bytes = 1 << 20;  ///< at least smallest_memory_bytes()
  std::size_t most_unplaced = 1 << 12;   ///< entries that are added and not placed, at once
  FileSystem* file_system = nullptr;     ///< required
  std::string scratch_directory;
};

class SentLog {
 public:
  [[nodiscard]] static std::uint64_t smallest_memory_bytes(std::size_t most_unplaced);

  /// The budget must outlive the log.
  [[nodiscard]] static Result<SentLog> create(Budget& budget, const SentLogOptions& options);

  /// From here on comes another pack.
  void start_pack() { pack_begin_ = count_; }

  /// An entry at `offset` of the pack, whose object has `size` bytes. Offsets of a pack must rise.
  /// Returns the entry's ordinal: 0 for the first.
  Result<std::uint64_t> add(std::uint64_t offset, std::uint64_t size);

  /// Where the oldest entry that is not placed yet begins in the stream.
  void place(std::uint64_t position);

  struct Found {
    std::uint64_t ordinal = 0;
    std::uint64_t size = 0;
  };

  /// nullopt if no such entry of this pack was added.
  Result<std::optional<Found>> find(std::uint64_t offset);

  /// Where an entry begins in the stream. Requires that it was placed.
  Result<std::uint64_t> position(std::uint64_t ordinal);

 private:
  struct Record {
    std::uint64_t offset;
    std::uint64_t size;
    std::uint64_t position;
  };

  // What is read back from scratch at once.
  static constexpr std::size_t kPageRecords = 128;
  static constexpr std::size_t kPageCount = 64;
  static constexpr std::size_t kPageBytes = kPageRecords * sizeof(Record);
  static constexpr std::uint64_t kNoPage = UINT64_MAX;

  SentLog() { pages_.fill(kNoPage); }

  [[nodiscard]] std::span<Record> recent() {
    return {reinterpret_cast<Record*>(recent_.data()), recent_.size() / sizeof(Record)};
  }

  Result<void> spill();
  Result<Record> record(std::uint64_t ordinal);

  FileSystem* file_system_ = nullptr;
  std::string scratch_directory_;
  Buffer recent_;                                // of the records from spilled_ on
  Buffer cache_;                                 // of pages of the scratch file
  std::array<std::uint64_t, kPageCount> pages_;  // which page lies in each place of the cache
  std::unique_ptr<File> scratch_;
  std::uint64_t spilled_ = 0;  // records in scratch, a multiple of kPageRecords
  std::uint64_t placed_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t pack_begin_ = 0;  // ordinal of the pack's first entry
};

}  // namespace bale
