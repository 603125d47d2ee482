// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// ExternalSorter: sorts any number of fixed-size records in a fixed amount of memory.
//
// External merge sort for data that may exceed memory: pack indexes, Git object id indexes,
// reachable sets. Records are byte strings, sorted as by memcmp; duplicates are kept.
//
//   auto sorter = TRY(ExternalSorter<41>::create(budget, {.memory_bytes = 8 << 20, ...}));
//   TRY(sorter.add(record));                                   // as often as it takes
//   TRY(sorter.sort());
//   while (const auto* record = TRY(sorter.next())) use(*record);
//
// One buffer is charged to the budget. When full, it is sorted and appended to an unnamed scratch
// file as a run. At the end the runs are merged while they are read (run_merger.h), with the buffer
// divided among them. If there are too many runs for that, groups of them are first merged into
// longer ones, in a second scratch file that replaces the first.
//
// With lanes, each half of the buffer is a run: a lane sorts and writes one while the other is
// filled, and later merges a block while the previous one is used. add(), sort() and next() may be
// called from a lane's work. Results do not depend on lanes.
//
// Memory: `memory_bytes` exactly, later `merge_memory_bytes`; 16 bytes a run, 52 to 88 more while
// merging. A run holds memory_bytes of records, half as many with lanes. Scratch: the records once,
// twice if runs are merged in groups. After an error, later calls return it again once the records
// in memory are used. Not thread-safe.

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
  std::string scratch_directory;         ///< empty: no scratch; kLimitExceeded if memory is full
  const Operation* operation = nullptr;  ///< may be null; asked between blocks
  Lanes* lanes = nullptr;                ///< may be null; must outlive the sorter
};

/// Enough to merge several runs.
inline constexpr std::uint64_t kMinSorterBytes = 256 << 10;

/// The smallest block in which a run is read: smaller ones would waste disk reads.
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

  /// Waits for a lane that still writes a run.
  ~ExternalSorter() = default;

  Result<void> add(const Record& record) {
    if (position_ == end_) [[unlikely]] {
      TRY(make_room());
    }
    *position_++ = record;
    ++record_count_;
    return {};
  }

  /// Call once, after the last add() and before the first next(). If records were spilled and
  /// `merge_memory_bytes` exceeds memory_bytes, a buffer of that size replaces the first: more runs
  /// are merged at once, from larger blocks. kLimitExceeded if the budget lacks it.
  Result<void> sort(std::uint64_t merge_memory_bytes = 0);

  /// The next record in order, valid until the next call; nullptr at the end.
  Result<const Record*> next() {
    if (position_ == end_) [[unlikely]] {
      TRY(take_block());
      if (position_ == end_) return nullptr;
    }
    return position_++;
  }

  /// The next records in order, as many as are in memory; valid until the next call; none at the
  /// end. For callers that do as little work per record as next().
  Result<std::span<const Record>> next_block() {
    if (position_ == end_) TRY(take_block());
    return std::span<const Record>(std::exchange(position_, end_), end_);
  }

  [[nodiscard]] std::uint64_t record_count() const { return record_count_; }

  /// Bytes written to scratch so far, or about to be.
  [[nodiscard]] std::uint64_t scratch_bytes() const { return scratch_bytes_; }

 private:
  // The smallest and the largest spilled record. All records share their common prefix.
  struct Bounds {
    bool empty = true;
    Record lowest{};
    Record highest{};
  };

  // Shared by the merge's lane and the sorter, which may move meanwhile.
  struct Merge {
    RunMerger<kBytes> merger;
    std::array<std::span<Record>, 2> blocks;  // without lanes the second is empty
    std::size_t filling = 0;                  // index of the block being filled
    std::size_t filled = 0;                   // number of records in it
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
  std::array<std::span<Record>, 2> parts_;  // the buffer's halves, or all of it and nothing
  std::size_t part_ = 0;                    // index of the part being filled
  Record* position_ = nullptr;              // the next record to write, or after sort() to read
  Record* end_ = nullptr;                   // the end of these
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
