// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// RecordSearch: one look-up in a RecordTable, step by step, so that many can be under way at once.
//
//   RecordSearch search(table, key);
//   while (!search.done()) {
//     search.prefetch();          // of use if something else is done before the step
//     search.step();
//   }
//   use(search.position());
//
// A step waits for memory about once: what it looks at is the one thing that costs. So steps are
// what is saved:
//
//   guess     where the key would lie if keys were spread evenly, then from there how many records
//             further, by the table's average density. Of 10^7 random keys the first guess is off
//             by 1,000 records, the second by 25, the third by 3. With a memo of earlier searches
//             the first is off by about 20, and among 10^6 by 8
//   scan      records one after another, once a guess is near: they lie in a line or two of cache
//   bisect    once three guesses and a scan did not do: these keys are not spread evenly. The two
//             records, one of which comes next, are asked for a step ahead
//
// So a search takes at most kMostGuesses + 1 steps more than bisection alone, whoever chose the
// keys, and those of a bisection are quicker. Bytes that all keys share do not count: keys that
// differ in their ends only (numbers, times) are found as quickly as hashes.
//
// Reads only inside the table, also where it is not sorted. Table and key must outlive the search.

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/endian.h"
#include "pack/read/record_table.h"

namespace bale {

class RecordSearch {
 public:
  static constexpr int kMostGuesses = 3;
  /// The most records that a scan looks at.
  static constexpr std::uint64_t kScanRecords = 16;

  RecordSearch() = default;

  /// `key` has as many bytes as the table's keys.
  RecordSearch(const RecordTable& table, const std::byte* key)
      : table_(&table), key_(key), high_(table.size_) {
    if (high_ == 0) return;
    if (table.shared_bytes_ > 0) {
      const std::byte* shared = table.area_.data() + table.key_offset_;
      const int order = std::memcmp(key, shared, table.shared_bytes_);
      if (order < 0) high_ = 0;
      if (order > 0) low_ = high_;
      if (order != 0) return;
    }
    word_ = load_be<std::uint64_t>(key + table.shared_bytes_);
    if (word_ <= table.first_word_) return;
    guess_ = std::min(apart(table.first_word_, word_), high_ - 1);
    probe_ = guess_;
    if (table.memo_ == nullptr) return;
    const auto last = static_cast<std::int64_t>(high_) - 1;
    probe_ = static_cast<std::uint64_t>(
        std::clamp(table.memo_->corrected(guess_), std::int64_t{0}, last));
  }

  [[nodiscard]] bool done() const { return low_ == high_; }

  /// Once done: the first position whose key is not below the one searched for; or the table's
  /// size.
  [[nodiscard]] std::uint64_t position() const { return low_; }

  /// Once done: lets later searches in this table start nearer, if it has a memo.
  void teach() const {
    if (guess_ > 0 && table_->memo_ != nullptr) table_->memo_->learn(guess_, low_);
  }

  /// Asks for the memory that the next step reads.
  void prefetch() const {
    const std::byte* at = table_->word_at(probe_);
    __builtin_prefetch(at);
    if (phase_ == Phase::kScan || table_->memo_ != nullptr) {
      // Prefetching is harmless wherever it leads.
      __builtin_prefetch(at - kCacheLineBytes);
      __builtin_prefetch(at + kCacheLineBytes);
      __builtin_prefetch(at + 2 * kCacheLineBytes);
    }
  }

  /// Requires !done().
  void step() {
    if (phase_ == Phase::kBisect) {
      __builtin_prefetch(table_->word_at(low_ + (probe_ - low_) / 2));
      __builtin_prefetch(table_->word_at(probe_ + (high_ - probe_) / 2));
    }
    const auto found = load_be<std::uint64_t>(table_->word_at(probe_));
    const bool below = is_below(found, probe_);
    if (below) {
      low_ = probe_ + 1;
    } else {
      high_ = probe_;
    }
    if (phase_ == Phase::kGuess) {
      guess_on(found, below);
      return;
    }
    if (phase_ == Phase::kScan) {
      phase_ = Phase::kBisect;
      if (below) {
        scan_up();
      } else {
        scan_down();
      }
    }
    probe_ = low_ + (high_ - low_) / 2;
  }

 private:
  enum class Phase : std::uint8_t { kGuess, kScan, kBisect };

  static constexpr std::size_t kCacheLineBytes = 64;
  // A guess that moves by no more than this is taken to be near.
  static constexpr std::uint64_t kNearRecords = 8;

  [[nodiscard]] bool is_below(std::uint64_t word, std::uint64_t position) const {
    if (word != word_) [[likely]]
      return word < word_;
    return is_rest_below(position);
  }

  [[nodiscard]] bool is_rest_below(std::uint64_t position) const {
    return std::memcmp(table_->word_at(position), key_ + table_->shared_bytes_,
                       table_->key_bytes_ - table_->shared_bytes_) < 0;
  }

  // How many records lie between two words, were keys spread evenly. At most size().
  [[nodiscard]] std::uint64_t apart(std::uint64_t smaller, std::uint64_t larger) const {
    // Halved, because signed numbers are converted several times as fast.
    const auto half = static_cast<double>(static_cast<std::int64_t>((larger - smaller) >> 1));
    const double records = half * table_->records_per_two_words_;
    const auto most = static_cast<std::int64_t>(table_->size_);
    return static_cast<std::uint64_t>(
        static_cast<std::int64_t>(std::min(records, static_cast<double>(most))));
  }

  void guess_on(std::uint64_t found, bool below) {
    if (done()) return;
    const std::uint64_t most = high_ - low_ - 1;
    std::uint64_t away;
    if (below) {
      away = apart(found, word_);
      probe_ = low_ + std::min(away, most);
    } else {
      away = apart(word_, found);
      probe_ = high_ - 1 - std::min(away, most);
    }
    if (++guesses_ == kMostGuesses || away <= kNearRecords) phase_ = Phase::kScan;
  }

  void scan_up() {
    for (std::uint64_t i = 1; i < kScanRecords && low_ < high_; ++i) {
      if (!is_below(load_be<std::uint64_t>(table_->word_at(low_)), low_)) {
        high_ = low_;
        return;
      }
      ++low_;
    }
  }

  void scan_down() {
    for (std::uint64_t i = 1; i < kScanRecords && low_ < high_; ++i) {
      if (is_below(load_be<std::uint64_t>(table_->word_at(high_ - 1)), high_ - 1)) {
        low_ = high_;
        return;
      }
      --high_;
    }
  }

  const RecordTable* table_ = nullptr;
  const std::byte* key_ = nullptr;
  std::uint64_t word_ = 0;  // of the key
  std::uint64_t low_ = 0;   // all records before it are below the key
  std::uint64_t high_ = 0;  // this one, and all after it, are not
  std::uint64_t probe_ = 0;
  std::uint64_t guess_ = 0;  // where keys spread evenly would have it; 0 where none was made
  int guesses_ = 0;
  Phase phase_ = Phase::kGuess;
};

}  // namespace bale
