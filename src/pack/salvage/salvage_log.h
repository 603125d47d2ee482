// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// SalvageLog: what a salvager has found in a damaged pack, in the order of offsets, and what became
// of each entry. On scratch, so that any number of entries takes a fixed amount of memory.
//
//   TRY(log.append({.id = id, .offset = offset, .state = SalvageState::kWaits}));
//   TRY(log.visit([&](SalvageLog::Entry& entry) -> Result<void> { entry.state = ...; }));
//
// Memory: kBufferBytes, charged. Scratch: 43 bytes an entry that does not fit. Not thread-safe.

#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "bale/file_system.h"
#include "bale/object.h"
#include "base/budget.h"
#include "format/container.h"
#include "scratch/scratch_array.h"

namespace bale {

enum class SalvageState : std::uint8_t {
  kWaits,   ///< a delta whose program is whole, to be rebuilt
  kProven,  ///< it is what its id says
  kByTwin,  ///< the same, but rebuilt on another entry of its base's id than the first one
  kLost,    ///< a delta that could not be rebuilt
  kWrong,   ///< no delta, and not what its id says: deltas may lean on the parts that are right
};

class SalvageLog {
 public:
  struct Entry {
    ObjectId id;
    std::uint64_t offset = 0;
    SalvageState state = SalvageState::kWaits;
  };

  static constexpr std::size_t kBufferBytes = 64 << 10;

  /// The budget must outlive the log.
  [[nodiscard]] static Result<SalvageLog> create(Budget& budget, FileSystem& file_system,
                                                 const std::string& scratch_directory);

  Result<void> append(const Entry& entry);

  /// Every entry in the order in which they were appended; its state may be changed. An Error of
  /// `visitor` ends the visit and comes back. Nothing may be appended meanwhile.
  Result<void> visit(const std::function<Result<void>(Entry&)>& visitor);

  [[nodiscard]] std::uint64_t size() const { return entries_.size(); }

 private:
  struct Stored {
    SortRecord record;
    std::byte state;
  };

  explicit SalvageLog(ScratchArray<Stored> entries) : entries_(std::move(entries)) {}

  ScratchArray<Stored> entries_;
};

}  // namespace bale
