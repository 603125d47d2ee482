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
// the pack that is being read are found, by bisection, since offsets rise.
//
// Memory: what create() is allowed, whatever the number of entries. Scratch: 24 bytes an entry that
// does not fit. Not thread-safe.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bale/file_system.h"
#include "bale/result.h"
#include "base/budget.h"
#include "scratch/scratch_array.h"

namespace bale {

struct SentLogOptions {
  std::uint64_t memory_bytes = 1 << 20;  ///< at least SentLog::kMinMemoryBytes
  FileSystem* file_system = nullptr;     ///< required
  std::string scratch_directory;
};

class SentLog {
 public:
  static constexpr std::uint64_t kMinMemoryBytes = 64 * ScratchArray<std::uint64_t>::kPageCostBytes;

  /// The budget must outlive the log.
  [[nodiscard]] static Result<SentLog> create(Budget& budget, const SentLogOptions& options);

  /// From here on comes another pack.
  void start_pack() { pack_begin_ = records_.size(); }

  /// An entry at `offset` of the pack, whose object has `size` bytes. Offsets of a pack must rise.
  /// Returns the entry's ordinal: 0 for the first.
  Result<std::uint64_t> add(std::uint64_t offset, std::uint64_t size);

  /// Where the oldest entry that is not placed yet begins in the stream.
  Result<void> place(std::uint64_t position);

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

  explicit SentLog(ScratchArray<Record> records) : records_(std::move(records)) {}

  ScratchArray<Record> records_;  // by ordinal
  std::uint64_t placed_ = 0;
  std::uint64_t pack_begin_ = 0;  // ordinal of the pack's first entry
};

}  // namespace bale
