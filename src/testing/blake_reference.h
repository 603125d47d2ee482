// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// For the tests of BLAKE3: random bytes, and the official hasher as the reference.
#pragma once

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "hash/blake3.h"

namespace bale {

using BlakeRandom = std::mt19937_64;

inline constexpr std::size_t kKiB = 1024;

inline std::vector<std::byte> seeded_bytes(std::size_t size, std::uint64_t seed) {
  BlakeRandom random(seed);
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; i += 8) {
    const std::uint64_t word = random();
    std::memcpy(bytes.data() + i, &word, std::min<std::size_t>(8, size - i));
  }
  return bytes;
}

inline std::size_t below(BlakeRandom& random, std::size_t limit) {
  return random() % limit;
}

inline Blake3Hash official_hash(Bytes data) {
  Blake3Hasher hasher;
  hasher.update(data);
  return hasher.finish();
}

}  // namespace bale
