// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// GuessMemo: how far off the first guesses of searches in a RecordTable were, so that the next ones
// start nearer. Random keys stray from their even places by about the square root of how many there
// are, and neighbours stray together: one search tells about all keys near its own. So a table is
// learnt while it is used, and nothing need be read in advance.
//
// It holds hints only: whatever stands in it, searches come to the same result.
//
// Memory: 2 bytes for each 16 to 32 records, at most 128 KiB, taken as searches touch it.
// Thread-safe, without locks.

#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <limits>
#include <memory>

#include "base/budget.h"

namespace bale {

class GuessMemo {
 public:
  /// For a table of so many records. Null where there is no memory, or where the table is so small
  /// that it is searched as quickly without.
  [[nodiscard]] static std::unique_ptr<GuessMemo> create(std::uint64_t record_count) {
    if (record_count < kWorthwhileRecords) return nullptr;
    auto memo = std::make_unique<GuessMemo>(record_count);
    return memo->strays_.size() == 0 ? nullptr : std::move(memo);
  }

  /// For create().
  explicit GuessMemo(std::uint64_t record_count)
      : shift_(std::max(kRecordBits, log2_above(record_count) - kMostSlotBits)) {
    const std::uint64_t slots = ((record_count - 1) >> shift_) + 1;
    Result<Buffer> buffer = Buffer::allocate(budget_, slots * sizeof(Stray), "hints for look-ups");
    if (buffer) strays_ = std::move(*buffer);
  }

  GuessMemo(const GuessMemo&) = delete;
  GuessMemo& operator=(const GuessMemo&) = delete;

  /// A better guess than `position`, which is below the table's size. May lie outside the table.
  [[nodiscard]] std::int64_t corrected(std::uint64_t position) const {
    return static_cast<std::int64_t>(position) + stray(position).load(std::memory_order_relaxed);
  }

  /// A search that had `guess` as its first ended at `position`.
  void learn(std::uint64_t guess, std::uint64_t position) {
    using Limits = std::numeric_limits<std::int16_t>;
    // The first one stays: a slot that is written once can be read by many threads.
    if (stray(guess).load(std::memory_order_relaxed) != 0) return;
    const auto off = static_cast<std::int64_t>(position) - static_cast<std::int64_t>(guess);
    if (off < Limits::min() || off > Limits::max() || off == 0) return;
    stray(guess).store(static_cast<std::int16_t>(off), std::memory_order_relaxed);
  }

 private:
  using Stray = std::atomic<std::int16_t>;
  static_assert(Stray::is_always_lock_free && sizeof(Stray) == 2);

  static constexpr std::uint64_t kWorthwhileRecords = 1 << 14;
  static constexpr int kRecordBits = 5;     // a slot for 32 records, or for more
  static constexpr int kMostSlotBits = 16;  // at most so many slots

  [[nodiscard]] static int log2_above(std::uint64_t count) {
    return 64 - std::countl_zero(count - 1);
  }

  [[nodiscard]] Stray& stray(std::uint64_t position) const {
    return reinterpret_cast<Stray*>(const_cast<std::byte*>(strays_.data()))[position >> shift_];
  }

  int shift_;
  Budget budget_{sizeof(Stray) << kMostSlotBits};
  Buffer strays_;  // zero where nothing was learnt
};

}  // namespace bale
