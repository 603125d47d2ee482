// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// ExternalSorter: sorts any number of fixed-size records in a fixed amount of memory.
//
// The house's one tool for "more than fits": pack indexes, Git object id indexes, reachable sets.
// Records are rows of bytes in the order of memcmp; equal ones are all kept.
//
//   auto sorter = TRY(ExternalSorter<41>::create(budget, {.memory_bytes = 8 << 20, ...}));
//   TRY(sorter.add(record));                                   // as often as it takes
//   TRY(sorter.sort());
//   while (const auto* record = TRY(sorter.next())) use(*record);
//
// One buffer is charged to the budget. Full, it is sorted and appended to a scratch file without a
// name as a run; at the end the runs are merged while they are read back, the buffer divided among
// them. Where there are more runs than the buffer has room for, groups of them are first merged
// into longer ones, in another scratch file that takes the place of the first.
//
// Memory: `memory_bytes` exactly, and 40 bytes a run (a run holds memory_bytes of records).
// Scratch: the records once, twice where runs are merged in groups. Not thread-safe.

#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bale/file_system.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "base/budget.h"

namespace bale {

struct SorterOptions {
  std::uint64_t memory_bytes = 8 << 20;  ///< at least kMinSorterBytes
  FileSystem* file_system = nullptr;     ///< null: posix_file_system()
  std::string scratch_directory;         ///< empty: no scratch, kLimitExceeded once memory is full
  const Operation* operation = nullptr;  ///< may be null; asked between blocks
};

/// Room for a merge of some runs at all.
inline constexpr std::uint64_t kMinSorterBytes = 256 << 10;

template <std::size_t kBytes>
class ExternalSorter {
 public:
  using Record = std::array<std::byte, kBytes>;

  [[nodiscard]] static Result<ExternalSorter> create(Budget& budget, SorterOptions options);

  ExternalSorter(ExternalSorter&&) noexcept = default;
  ExternalSorter& operator=(ExternalSorter&&) noexcept = default;

  Result<void> add(const Record& record);

  /// Ends the adding. Call once, before the first next().
  Result<void> sort();

  /// The next record in order, valid until the call after; nullptr at the end.
  Result<const Record*> next();

  [[nodiscard]] std::uint64_t record_count() const { return record_count_; }

  /// Written to scratch so far.
  [[nodiscard]] std::uint64_t scratch_bytes() const { return scratch_bytes_; }

 private:
  // A sorted piece in the scratch file, and the part of it that is in memory.
  struct Run {
    std::uint64_t offset = 0;     // in scratch, of the first record not read yet
    std::uint64_t remaining = 0;  // records in scratch not read yet
    Record* position = nullptr;   // in memory: the smallest not taken yet
    Record* end = nullptr;
  };

  ExternalSorter() = default;

  [[nodiscard]] std::span<Record> records() {
    return {reinterpret_cast<Record*>(buffer_.data()), capacity_};
  }

  Result<void> check_cancelled() const;
  Result<void> spill();
  Result<void> merge_groups();
  Result<void> start_merge(std::span<Run> runs, std::span<Record> memory);
  Result<void> refill(std::size_t leaf);
  Result<const Record*> next_merged();
  [[nodiscard]] bool smaller(std::uint32_t a, std::uint32_t b) const;
  void replay(std::size_t leaf);

  SorterOptions options_;
  Buffer buffer_;
  std::size_t capacity_ = 0;  // records in the buffer
  std::size_t filled_ = 0;    // of them in use
  std::uint64_t record_count_ = 0;
  std::uint64_t scratch_bytes_ = 0;
  std::unique_ptr<File> scratch_;
  std::uint64_t scratch_end_ = 0;
  std::vector<Run> runs_;

  // The merge: a tournament tree of losers over the runs (Knuth, TAOCP vol. 3, 5.4.1).
  std::span<Run> merging_;
  std::vector<std::uint32_t> losers_;
  std::uint32_t winner_ = 0;
  std::span<Record> merge_memory_;
  std::size_t records_per_run_ = 0;
  bool merged_one_ = false;
  std::size_t position_ = 0;  // in a sort that never spilled
};

extern template class ExternalSorter<16>;
extern template class ExternalSorter<28>;
extern template class ExternalSorter<40>;
extern template class ExternalSorter<41>;

}  // namespace bale
