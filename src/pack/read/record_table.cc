// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/read/record_table.h"

#include <algorithm>

#include "base/check.h"
#include "pack/read/record_search.h"

namespace bale {

RecordTable::RecordTable(Bytes area, std::size_t stride, std::size_t key_offset,
                         std::size_t key_bytes)
    : area_(area),
      size_(stride == 0 ? 0 : area.size() / stride),
      stride_(stride),
      key_offset_(key_offset),
      key_bytes_(key_bytes) {
  CHECK(key_bytes >= sizeof(std::uint64_t));
  if (size_ == 0) return;
  const Bytes first = key(0);
  const Bytes last = key(size_ - 1);
  const auto differs = std::mismatch(first.begin(), first.end(), last.begin()).first;
  shared_bytes_ = std::min(static_cast<std::size_t>(differs - first.begin()),
                           key_bytes - sizeof(std::uint64_t));
  word_offset_ = key_offset + shared_bytes_;
  first_word_ = load_be<std::uint64_t>(word_at(0));
  const auto last_word = load_be<std::uint64_t>(word_at(size_ - 1));
  if (last_word > first_word_) {
    records_per_two_words_ =
        2 * static_cast<double>(size_ - 1) / static_cast<double>(last_word - first_word_);
  }
}

std::uint64_t RecordTable::lower_bound(Bytes key) const {
  CHECK(key.size() == key_bytes_ || size_ == 0);
  RecordSearch search(*this, key.data());
  while (!search.done()) search.step();
  search.teach();
  return search.position();
}

std::uint64_t RecordTable::find(Bytes key) const {
  const std::uint64_t position = lower_bound(key);
  if (position == size_) return position;
  const Bytes found = this->key(position);
  return std::memcmp(found.data(), key.data(), key_bytes_) == 0 ? position : size_;
}

}  // namespace bale
