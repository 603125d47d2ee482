// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// RecordTable: sorted records of one size that lie in memory (or in a mapped file), searched in
// place. The key is the beginning of each record.
//
// Keys are ids, ids are hashes, so where one lies can be guessed well: see
// pack/read/record_search.h. Making a table reads its first and last key, nothing else, however
// long it is.
//
// Thread-safe: nothing changes but hints. The bytes must outlive the table.

#pragma once

#include <cstdint>
#include <cstring>

#include "bale/bytes.h"
#include "base/endian.h"
#include "pack/read/guess_memo.h"

namespace bale {

class RecordTable {
 public:
  RecordTable() = default;

  /// `area` holds records of `stride` bytes, whose keys are the `key_bytes` from `key_offset` on;
  /// key_bytes >= 8.
  RecordTable(Bytes area, std::size_t stride, std::size_t key_offset, std::size_t key_bytes);

  /// Searches learn from each other from now on. The memo is of this table alone, and outlives it.
  void learn_in(GuessMemo& memo) { memo_ = &memo; }

  [[nodiscard]] std::uint64_t size() const { return size_; }

  [[nodiscard]] Bytes record(std::uint64_t position) const {
    return area_.subspan(position * stride_, stride_);
  }

  [[nodiscard]] Bytes key(std::uint64_t position) const {
    return area_.subspan(position * stride_ + key_offset_, key_bytes_);
  }

  /// The first position whose key is not below `key`, which has key_bytes; size() if there is none.
  /// In a table that is not sorted it is some position.
  [[nodiscard]] std::uint64_t lower_bound(Bytes key) const;

  /// The first position of exactly this key; size() if there is none.
  [[nodiscard]] std::uint64_t find(Bytes key) const;

 private:
  friend class RecordSearch;

  // The word of a key: the 8 bytes after those that all keys share. It decides nearly all
  // comparisons, and guesses are made from it.
  [[nodiscard]] const std::byte* word_at(std::uint64_t position) const {
    return area_.data() + position * stride_ + word_offset_;
  }

  Bytes area_;
  GuessMemo* memo_ = nullptr;
  std::uint64_t size_ = 0;
  std::size_t stride_ = 0;
  std::size_t key_offset_ = 0;
  std::size_t key_bytes_ = 0;
  std::size_t word_offset_ = 0;       // in a record
  std::size_t shared_bytes_ = 0;      // that first and last key have in common, so all keys have
  std::uint64_t first_word_ = 0;      // of the first key
  double records_per_two_words_ = 0;  // how many records there are for a difference of 2 in words
};

}  // namespace bale
