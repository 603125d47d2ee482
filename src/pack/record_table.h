// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// RecordTable: sorted records of one size that lie in memory (or in a mapped file), searched in
// place. The key is the beginning of each record.
//
// Ids are hashes, so where one lies can be guessed well: interpolation search. Where guesses do not
// help (ids that share a prefix, ids that an enemy chose) every other step is a bisection, so a
// search never takes more than twice the steps of a plain one.
//
// Thread-safe: nothing changes. The bytes must outlive the table.

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "bale/bytes.h"
#include "base/endian.h"

namespace bale {

class RecordTable {
 public:
  RecordTable() = default;

  /// `area` holds records of `stride` bytes, whose keys are the `key_bytes` from `key_offset` on;
  /// key_bytes >= 8.
  RecordTable(Bytes area, std::size_t stride, std::size_t key_offset, std::size_t key_bytes)
      : area_(area), stride_(stride), key_offset_(key_offset), key_bytes_(key_bytes) {}

  [[nodiscard]] std::uint64_t size() const { return stride_ == 0 ? 0 : area_.size() / stride_; }

  [[nodiscard]] Bytes record(std::uint64_t position) const {
    return area_.subspan(position * stride_, stride_);
  }

  [[nodiscard]] Bytes key(std::uint64_t position) const {
    return area_.subspan(position * stride_ + key_offset_, key_bytes_);
  }

  /// The first position whose key is not below `key`, which has key_bytes; size() if there is none.
  [[nodiscard]] std::uint64_t lower_bound(Bytes key) const {
    std::uint64_t low = 0;
    std::uint64_t high = size();
    std::uint64_t low_prefix = 0;
    std::uint64_t high_prefix = UINT64_MAX;
    const auto prefix = load_be<std::uint64_t>(key.data());
    bool interpolate = true;
    while (low < high) {
      std::uint64_t middle = low + (high - low) / 2;
      if (interpolate && high - low > 8 && low_prefix < high_prefix && prefix >= low_prefix) {
        middle = guess(low, high, low_prefix, high_prefix, prefix);
      }
      const std::uint64_t before = high - low;
      const Bytes found = this->key(middle);
      if (std::memcmp(found.data(), key.data(), key_bytes_) < 0) {
        low = middle + 1;
        low_prefix = load_be<std::uint64_t>(found.data());
      } else {
        high = middle;
        high_prefix = load_be<std::uint64_t>(found.data());
      }
      // A guess that did not even halve the range is followed by a step that does.
      interpolate = !interpolate || (high - low) <= before / 2;
    }
    return low;
  }

  /// The position of exactly this key; size() if there is none.
  [[nodiscard]] std::uint64_t find(Bytes key) const {
    const std::uint64_t position = lower_bound(key);
    if (position == size()) return position;
    const Bytes found = this->key(position);
    return std::memcmp(found.data(), key.data(), key_bytes_) == 0 ? position : size();
  }

 private:
  // Where `prefix` would lie if keys were spread evenly, pulled a little towards the nearer end so
  // that the probe closes the range from its far side too.
  [[nodiscard]] static std::uint64_t guess(std::uint64_t low, std::uint64_t high,
                                           std::uint64_t low_prefix, std::uint64_t high_prefix,
                                           std::uint64_t prefix) {
    __extension__ using Wide = unsigned __int128;
    const std::uint64_t range = high - low;
    const std::uint64_t above = std::min(prefix, high_prefix) - low_prefix;
    auto middle = static_cast<std::uint64_t>(Wide{range - 1} * above / (high_prefix - low_prefix));
    // The spread of even keys around their place is about the square root of the range.
    std::uint64_t spread = 1;
    while (spread * spread < range) spread *= 2;
    middle = middle > range / 2 ? middle - std::min(middle, spread)
                                : std::min(middle + spread, range - 1);
    return low + middle;
  }

  Bytes area_;
  std::size_t stride_ = 0;
  std::size_t key_offset_ = 0;
  std::size_t key_bytes_ = 0;
};

}  // namespace bale
