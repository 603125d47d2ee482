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
// name as a run; at the end the runs are merged while they are read back (run_merger.h), the buffer
// divided among them. Where there are more runs than the buffer has room for, groups of them are
// first merged into longer ones, in another scratch file that takes the place of the first.
//
// With lanes, the buffer's halves are runs: a lane sorts and writes one while the other is filled,
// and later merges a block while the one before it is used. add(), sort() and next() may be called
// from a lane's work. What they return does not depend on lanes.
//
// Memory: `memory_bytes` exactly, later `merge_memory_bytes`; 16 bytes a run, and while merging 52
// to 88 more. A run holds memory_bytes of records, with lanes half as many. Scratch: the records
// once, twice where runs are merged in groups. After an error every call that does more than use up
// memory returns it again. Not thread-safe.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bale/file_system.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "base/budget.h"
#include "base/lane_task.h"
#include "base/lanes.h"
#include "base/try.h"
#include "scratch/run_merger.h"

namespace bale {

struct SorterOptions {
  std::uint64_t memory_bytes = 8 << 20;  ///< at least kMinSorterBytes
  FileSystem* file_system = nullptr;     ///< null: posix_file_system()
  std::string scratch_directory;         ///< empty: no scratch, kLimitExceeded once memory is full
  const Operation* operation = nullptr;  ///< may be null; asked between blocks
  Lanes* lanes = nullptr;                ///< may be null; must outlive the sorter
};

/// Room for a merge of some runs at all.
inline constexpr std::uint64_t kMinSorterBytes = 256 << 10;

/// A run is read back in blocks of at least so many bytes: smaller ones would cost a read of the
/// disk each for too little.
inline constexpr std::size_t kMinMergeBlockBytes = 8 << 10;

template <std::size_t kBytes>
class ExternalSorter {
 public:
  using Record = std::array<std::byte, kBytes>;

  /// The budget must outlive the sorter.
  [[nodiscard]] static Result<ExternalSorter> create(Budget& budget, SorterOptions options);

  ExternalSorter(ExternalSorter&&) noexcept = default;
  ExternalSorter& operator=(ExternalSorter&& other) noexcept;
  ExternalSorter(const ExternalSorter&) = delete;
  ExternalSorter& operator=(const ExternalSorter&) = delete;

  /// Waits for a lane that still writes the run before the last.
  ~ExternalSorter() = default;

  Result<void> add(const Record& record) {
    if (position_ == end_) [[unlikely]] {
      TRY(make_room());
    }
    *position_++ = record;
    ++record_count_;
    return {};
  }

  /// Ends the adding. Call once, before the first next(). If anything was spilled and this is more
  /// than memory_bytes, the buffer is given back to the budget and one of `merge_memory_bytes`
  /// taken: more runs are merged at once, from longer pieces. kLimitExceeded if the budget has not
  /// that much.
  Result<void> sort(std::uint64_t merge_memory_bytes = 0);

  /// The next record in order, valid until the call after; nullptr at the end.
  Result<const Record*> next() {
    if (position_ == end_) [[unlikely]] {
      TRY(take_block());
      if (position_ == end_) return nullptr;
    }
    return position_++;
  }

  /// The next records in order, as many as there are in memory; valid until the call after. None at
  /// the end. For callers whose own work on a record is as small as that of next().
  Result<std::span<const Record>> next_block() {
    if (position_ == end_) TRY(take_block());
    return std::span<const Record>(std::exchange(position_, end_), end_);
  }

  [[nodiscard]] std::uint64_t record_count() const { return record_count_; }

  /// Written to scratch so far, or about to be.
  [[nodiscard]] std::uint64_t scratch_bytes() const { return scratch_bytes_; }

 private:
  // The smallest and the largest record that were spilled. What these two have in common at the
  // start, all have.
  struct Bounds {
    bool empty = true;
    Record lowest{};
    Record highest{};
  };

  // What the merge's lane shares with the sorter, which may move meanwhile.
  struct Merge {
    RunMerger<kBytes> merger;
    std::array<std::span<Record>, 2> blocks;  // without lanes the second is empty
    std::size_t filling = 0;                  // the block that is being filled
    std::size_t filled = 0;                   // how many records that gave
    bool ended = false;
    LaneTask task;  // the last member: it ends before the others go
  };

  ExternalSorter() = default;

  [[nodiscard]] std::span<Record> records() {
    return {reinterpret_cast<Record*>(buffer_.data()), buffer_.size() / kBytes};
  }

  [[nodiscard]] bool in_background() const {
    return options_.lanes != nullptr && options_.lanes->count() > 1;
  }

  Result<void> check_cancelled() const;
  Result<void> remember(Result<void> result);
  Result<void> make_room();
  Result<void> spill_what_is_full();
  void fill_from_here_on(std::span<Record> part);
  std::function<Result<void>()> spilling(std::span<Record> part);
  Result<void> start_reading(std::uint64_t merge_memory_bytes);
  [[nodiscard]] MergeSource merge_source() const;
  Result<void> merge_groups();
  Result<void> start_merge();
  void post_fill();
  Result<void> take_block();

  SorterOptions options_;
  Budget* budget_ = nullptr;
  Buffer buffer_;
  std::array<std::span<Record>, 2> parts_;  // of the buffer: its halves, or all of it and nothing
  std::size_t part_ = 0;                    // the one that is being filled
  Record* position_ = nullptr;              // the next record goes here, or after sort() comes from
  Record* end_ = nullptr;                   // and here there are no more
  std::uint64_t record_count_ = 0;
  std::uint64_t scratch_bytes_ = 0;
  std::unique_ptr<File> scratch_;
  std::uint64_t scratch_end_ = 0;
  std::vector<ScratchRun> runs_;
  std::unique_ptr<Bounds> bounds_;
  std::optional<Error> error_;
  std::unique_ptr<Merge> merge_;
  LaneTask spill_;  // the last member: it ends before the others go
};

extern template class ExternalSorter<16>;
extern template class ExternalSorter<28>;
extern template class ExternalSorter<32>;
extern template class ExternalSorter<40>;
extern template class ExternalSorter<41>;
extern template class ExternalSorter<44>;
extern template class ExternalSorter<64>;

}  // namespace bale
