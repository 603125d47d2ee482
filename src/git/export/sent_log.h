// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// SentLog: the positions of entries in the Git pack stream being written, which deltas need to
// refer to their bases.
//
//   const uint64_t ordinal = TRY(log.add(offset, size));     // as entries are read, in their order
//   TRY(log.place(position));                                // as they are written, in that order
//   const auto base = TRY(log.find(offset));                 // of an entry that was added
//   const uint64_t position = TRY(log.position(base->ordinal));    // of one that was placed
//
// Packs are sent one after another, and bases are in the pack of their deltas; so only entries of
// the current pack can be found, by bisection, since offsets increase.
//
// Memory: options.memory_bytes, whatever the number of entries. Scratch: 24 bytes an entry that
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

  /// Begins the next pack.
  void start_pack() { pack_begin_ = records_.size(); }

  /// Adds an entry at `offset` of the pack, with an object of `size` bytes, and returns its
  /// ordinal, from 0. Offsets of a pack must increase.
  Result<std::uint64_t> add(std::uint64_t offset, std::uint64_t size);

  /// Sets the position in the stream of the oldest entry without one.
  Result<void> place(std::uint64_t position);

  struct Found {
    std::uint64_t ordinal = 0;
    std::uint64_t size = 0;
  };

  /// nullopt if no such entry of this pack was added.
  Result<std::optional<Found>> find(std::uint64_t offset);

  /// The position of an entry in the stream. Requires that it was placed.
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
