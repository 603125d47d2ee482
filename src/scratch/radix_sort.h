// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Sorts fixed-size records of bytes in place, in the order of memcmp.
//
// Records are compared through a window of eight bytes, as a number. Many records are first dealt
// into buckets by up to ten of its bits, each swapped into its place (McIlroy, Bostic and McIlroy,
// "Engineering radix sort", 1993). Memory latency limits that, so the next place of a bucket is
// prefetched. A bucket that fits into the first-level cache is sorted by keys with record numbers,
// in two rounds of counting; then every record moves once.
//
// The bits used are those after the common prefix, which costs one pass a window, wherever it ends.
// So for any bytes, even ids chosen by an attacker, there are at most two or three rounds a byte,
// each of linear cost.
//
// Stack: 72 KiB with the longest records, and 200 bytes a level of recursion, at most two a byte of
// the record. No heap.

#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "scratch/record_window.h"

namespace bale {

template <std::size_t kBytes>
class RadixSort {
 public:
  using Record = std::array<std::byte, kBytes>;
  using Records = std::span<Record>;

  /// Sorts records whose first `depth` bytes are equal.
  void sort(Records records, std::size_t depth);

 private:
  static constexpr std::size_t kInsertionRecords = 12;
  static constexpr std::size_t kKeyedRecords = 1024;  // 64 KiB of the longest records
  static constexpr std::size_t kBucketRecords = 320;  // the target
  static constexpr unsigned kMinDealtBits = 5;
  static constexpr unsigned kMaxDealtBits = 10;
  static constexpr std::size_t kFetchedAhead = 2;  // records

  struct Key {
    std::uint64_t window;
    std::uint32_t record;
  };

  static void sort_by_insertion(Records records, std::size_t depth);
  void sort_by_keys(Records records, std::size_t depth, unsigned shared_bits);
  void order_keys(std::size_t count, unsigned shared_bits);
  void move_by_keys(Records records);
  void deal(Records records, std::size_t depth, unsigned shared_bits);

  // Not needed any more when sort() calls itself.
  std::size_t next_[1U << kMaxDealtBits];
  std::size_t end_[1U << kMaxDealtBits];
  Key keys_[kKeyedRecords];
  Key other_keys_[kKeyedRecords];
};

template <std::size_t kBytes>
void RadixSort<kBytes>::sort(Records records, std::size_t depth) {
  for (;; depth += kRecordWindowBytes) {
    if (depth >= kBytes) return;
    if (records.size() <= kInsertionRecords) return sort_by_insertion(records, depth);
    const std::uint64_t first = record_window(records.front(), depth);
    std::uint64_t difference = 0;
    for (const Record& record : records) difference |= record_window(record, depth) ^ first;
    if (difference == 0) continue;
    const auto shared_bits = static_cast<unsigned>(std::countl_zero(difference));
    if (records.size() <= kKeyedRecords) return sort_by_keys(records, depth, shared_bits);
    return deal(records, depth, shared_bits);
  }
}

template <std::size_t kBytes>
void RadixSort<kBytes>::sort_by_insertion(Records records, std::size_t depth) {
  for (std::size_t i = 1; i < records.size(); ++i) {
    const Record record = records[i];
    std::size_t hole = i;
    while (hole > 0 && std::memcmp(record.data() + depth, records[hole - 1].data() + depth,
                                   kBytes - depth) < 0) {
      records[hole] = records[hole - 1];
      --hole;
    }
    records[hole] = record;
  }
}

template <std::size_t kBytes>
void RadixSort<kBytes>::deal(Records records, std::size_t depth, unsigned shared_bits) {
  const auto wanted_bits = static_cast<unsigned>(std::bit_width(records.size() / kBucketRecords));
  const unsigned bits = std::clamp(wanted_bits, kMinDealtBits, kMaxDealtBits);
  const auto bucket_of = [=](const Record& record) -> std::size_t {
    return (record_window(record, depth) << shared_bits) >> (64 - bits);
  };
  const std::size_t bucket_count = std::size_t{1} << bits;
  std::fill_n(end_, bucket_count, 0);
  for (const Record& record : records) ++end_[bucket_of(record)];
  std::size_t sum = 0;
  for (std::size_t bucket = 0; bucket < bucket_count; ++bucket) {
    next_[bucket] = sum;
    sum += end_[bucket];
    end_[bucket] = sum;
  }
  for (std::size_t bucket = 0; bucket < bucket_count; ++bucket) {
    for (; next_[bucket] < end_[bucket]; ++next_[bucket]) {
      Record& place = records[next_[bucket]];
      std::size_t target = bucket_of(place);
      if (target == bucket) continue;
      Record record = place;
      do {
        Record& taken = records[next_[target]++];
        const Record pushed_out = taken;
        taken = record;
        __builtin_prefetch(taken.data() + kFetchedAhead * kBytes, 1);
        record = pushed_out;
        target = bucket_of(record);
      } while (target != bucket);
      place = record;
    }
  }
  for (std::size_t begin = 0; begin < records.size();) {
    const std::size_t bucket = bucket_of(records[begin]);
    std::size_t after = begin + 1;
    while (after < records.size() && bucket_of(records[after]) == bucket) ++after;
    sort(records.subspan(begin, after - begin), depth);
    begin = after;
  }
}

template <std::size_t kBytes>
void RadixSort<kBytes>::sort_by_keys(Records records, std::size_t depth, unsigned shared_bits) {
  for (std::size_t i = 0; i < records.size(); ++i) {
    keys_[i] = {record_window(records[i], depth), static_cast<std::uint32_t>(i)};
  }
  order_keys(records.size(), shared_bits);
  move_by_keys(records);
  for (std::size_t begin = 0; begin < records.size();) {
    const std::uint64_t key = record_window(records[begin], depth);
    std::size_t after = begin + 1;
    while (after < records.size() && record_window(records[after], depth) == key) ++after;
    if (after - begin > 1) sort(records.subspan(begin, after - begin), depth + kRecordWindowBytes);
    begin = after;
  }
}

// Sorts by the 16 bits after the shared ones, the low 8 first; for random records that is nearly
// all the work.
template <std::size_t kBytes>
void RadixSort<kBytes>::order_keys(std::size_t count, unsigned shared_bits) {
  const unsigned shift = shared_bits <= 48 ? 48 - shared_bits : 0;
  std::uint16_t low[256] = {};
  std::uint16_t high[256] = {};
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t digits = keys_[i].window >> shift;
    ++low[digits % 256];
    ++high[digits / 256 % 256];
  }
  std::uint16_t low_sum = 0;
  std::uint16_t high_sum = 0;
  for (std::size_t digit = 0; digit < 256; ++digit) {
    low_sum = static_cast<std::uint16_t>(low_sum + std::exchange(low[digit], low_sum));
    high_sum = static_cast<std::uint16_t>(high_sum + std::exchange(high[digit], high_sum));
  }
  for (std::size_t i = 0; i < count; ++i)
    other_keys_[low[(keys_[i].window >> shift) % 256]++] = keys_[i];
  for (std::size_t i = 0; i < count; ++i) {
    keys_[high[(other_keys_[i].window >> shift) / 256 % 256]++] = other_keys_[i];
  }
  const auto before = [](const Key& a, const Key& b) { return a.window < b.window; };
  for (std::size_t i = 1; i < count; ++i) {
    if (!before(keys_[i], keys_[i - 1])) continue;
    // All keys with the same 16 bits.
    const auto same = [&](const Key& key) {
      return key.window >> shift == keys_[i].window >> shift;
    };
    std::size_t begin = i - 1;
    while (begin > 0 && same(keys_[begin - 1])) --begin;
    std::size_t after = i + 1;
    while (after < count && same(keys_[after])) ++after;
    std::sort(keys_ + begin, keys_ + after, before);
    i = after - 1;
  }
}

// Cycle by cycle; a key whose record is in place refers to itself.
template <std::size_t kBytes>
void RadixSort<kBytes>::move_by_keys(Records records) {
  for (std::uint32_t start = 0; start < records.size(); ++start) {
    std::uint32_t from = keys_[start].record;
    if (from == start) continue;
    const Record record = records[start];
    std::uint32_t to = start;
    while (from != start) {
      records[to] = records[from];
      keys_[to].record = to;
      to = from;
      from = keys_[to].record;
    }
    records[to] = record;
    keys_[to].record = to;
  }
}

/// Sorts `records` in the order of memcmp.
template <std::size_t kBytes>
void radix_sort(std::span<std::array<std::byte, kBytes>> records) {
  // Not zeroed: that would dominate for few records.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
  RadixSort<kBytes> sorter;
  sorter.sort(records, 0);
}

}  // namespace bale
