// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Inputs for tests and benchmarks: the same on every machine, from a seed.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bale/bytes.h"

namespace bale {

/// SplitMix64: the same everywhere.
class TestRandom {
 public:
  explicit TestRandom(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t mixed = state_ += 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    return mixed ^ (mixed >> 31);
  }

  /// A number less than `end`, which is not 0.
  std::size_t below(std::size_t end) { return next() % end; }

 private:
  std::uint64_t state_;
};

inline std::vector<std::byte> random_bytes(TestRandom& random, std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t at = 0; at < size; at += 8) {
    std::uint64_t eight = random.next();
    for (std::size_t i = at; i < std::min(at + 8, size); ++i, eight >>= 8) {
      bytes[i] = static_cast<std::byte>(eight);
    }
  }
  return bytes;
}

inline void append_bytes(std::vector<std::byte>& to, Bytes bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

/// Lines of words with many repetitions, which compress about as well as source code.
inline std::vector<std::byte> text_bytes(TestRandom& random, std::size_t size) {
  std::vector<std::string> words;
  for (int i = 0; i < 400; ++i) {
    std::string word;
    for (std::size_t letters = 1 + random.below(9); letters > 0; --letters) {
      word += static_cast<char>('a' + random.below(26));
    }
    words.push_back(word);
  }
  std::string text;
  while (text.size() < size) {
    text += std::string(2 * random.below(4), ' ');
    for (std::size_t count = 1 + random.below(10); count > 0; --count) {
      text += words[std::min(random.below(400), random.below(400))] + ' ';
    }
    text += '\n';
  }
  const Bytes bytes = as_bytes(text).first(size);
  return {bytes.begin(), bytes.end()};
}

/// A later version with `count` edits, each a piece replaced, removed, inserted or moved.
inline std::vector<std::byte> edited(TestRandom& random, std::vector<std::byte> bytes,
                                     std::size_t edit_count) {
  for (std::size_t i = 0; i < edit_count; ++i) {
    const std::size_t at = random.below(bytes.size() + 1);
    const std::size_t size = std::min(random.below(60), bytes.size() - at);
    const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    const auto to = from + static_cast<std::ptrdiff_t>(size);
    std::vector<std::byte> piece(from, to);
    const std::size_t kind = random.below(4);
    if (kind == 0) {
      std::fill(from, to, static_cast<std::byte>(random.next()));
      continue;
    }
    if (kind != 2) bytes.erase(from, to);
    if (kind == 2) piece = random_bytes(random, random.below(60));
    if (kind != 1) {
      const std::size_t there = random.below(bytes.size() + 1);
      bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(there), piece.begin(), piece.end());
    }
  }
  return bytes;
}

}  // namespace bale
