// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Sorting fixed-size records of bytes in place, in the order of memcmp.
//
// Most significant byte first, each record swapped into its bucket (McIlroy, Bostic and McIlroy,
// "Engineering radix sort", 1993). Linear whatever the bytes: a byte that all records share is
// skipped without moving anything, so ids with one common prefix, or ids that an enemy chose, cost
// one pass a byte at most and no memory. Small buckets are finished by insertion.

#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <utility>

namespace bale {

namespace radix_sort_detail {

inline constexpr std::size_t kInsertionRecords = 24;

template <std::size_t kBytes>
void insertion_sort(std::span<std::array<std::byte, kBytes>> records, std::size_t depth) {
  for (std::size_t i = 1; i < records.size(); ++i) {
    const std::array<std::byte, kBytes> record = records[i];
    std::size_t hole = i;
    while (hole > 0 && std::memcmp(record.data() + depth, records[hole - 1].data() + depth,
                                   kBytes - depth) < 0) {
      records[hole] = records[hole - 1];
      --hole;
    }
    records[hole] = record;
  }
}

}  // namespace radix_sort_detail

/// Sorts records whose first `depth` bytes are equal. Recursion is at most kBytes deep and takes 4
/// KiB of stack a level.
template <std::size_t kBytes>
void radix_sort(std::span<std::array<std::byte, kBytes>> records, std::size_t depth = 0) {
  using radix_sort_detail::insertion_sort;
  using radix_sort_detail::kInsertionRecords;
  std::array<std::size_t, 256> end;
  for (;; ++depth) {
    if (depth == kBytes) return;
    if (records.size() <= kInsertionRecords) return insertion_sort(records, depth);
    end.fill(0);
    for (const auto& record : records) ++end[std::to_integer<std::size_t>(record[depth])];
    if (end[std::to_integer<std::size_t>(records.front()[depth])] != records.size()) break;
  }
  std::array<std::size_t, 256> next;
  std::size_t sum = 0;
  for (std::size_t bucket = 0; bucket < 256; ++bucket) {
    next[bucket] = sum;
    sum += end[bucket];
    end[bucket] = sum;
  }
  for (std::size_t bucket = 0; bucket < 256; ++bucket) {
    while (next[bucket] < end[bucket]) {
      auto& record = records[next[bucket]];
      const auto target = std::to_integer<std::size_t>(record[depth]);
      if (target != bucket) {
        std::swap(record, records[next[target]++]);
      } else {
        ++next[bucket];
      }
    }
  }
  std::size_t begin = 0;
  for (std::size_t bucket = 0; bucket < 256; ++bucket) {
    const std::size_t count = end[bucket] - begin;
    if (count > 1) radix_sort<kBytes>(records.subspan(begin, count), depth + 1);
    begin = end[bucket];
  }
}

}  // namespace bale
