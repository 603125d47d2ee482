// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The rolling hash is h = 2 h + gear[byte], in 32 bits, so it covers the last 32 bytes. Each step
// depends on the previous one, so four parts of the object are scanned in turns, which a processor
// overlaps. After a few hundred bytes hardly any hash is among the smallest, so the one branch is
// nearly always predicted.

#include "codec/sketch.h"

#include <algorithm>
#include <limits>

#include "base/endian.h"

namespace bale {
namespace {

constexpr std::size_t kStreams = 4;
// Shorter objects are scanned in one stream: each stream also reads the window before its part.
constexpr std::size_t kLeastForStreams = 512;

// Fixed for ever: sketches determine a pack's bytes. (The upper halves of splitmix64, S. Vigna.)
constexpr std::array<std::uint32_t, 256> make_gear() {
  std::array<std::uint32_t, 256> gear{};
  std::uint64_t state = 0x62616C65;
  for (std::uint32_t& value : gear) {
    state += 0x9E3779B97F4A7C15u;
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    value = static_cast<std::uint32_t>(z >> 32);
  }
  return gear;
}

constexpr std::array<std::uint32_t, 256> kGear = make_gear();

std::uint32_t step(std::uint32_t hash, std::byte byte) {
  return (hash << 1) + kGear[std::to_integer<std::size_t>(byte)];
}

std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 32)) * 0xD6E8FEB86659FD93u;
  return value ^ (value >> 32);
}

// The feature of the 32 bytes before `end`. Never 0.
std::uint32_t feature_of(const std::byte* end) {
  std::uint64_t hash = 0;
  for (std::size_t at = Sketch::kWindowBytes; at > 0; at -= 8) {
    hash = mix(hash ^ load_le<std::uint64_t>(end - at));
  }
  const auto feature = static_cast<std::uint32_t>(hash);
  return feature == 0 ? 1 : feature;
}

// The windows with the smallest hashes.
class Smallest {
 public:
  [[nodiscard]] std::uint32_t limit() const { return limit_; }

  // Requires hash < limit().
  void take(std::uint32_t hash, const std::byte* end) {
    std::size_t at = count_;
    while (at > 0 && hashes_[at - 1] > hash) --at;
    if (at > 0 && hashes_[at - 1] == hash) return;
    if (count_ < Sketch::kMostFeatures) ++count_;
    for (std::size_t i = count_ - 1; i > at; --i) {
      hashes_[i] = hashes_[i - 1];
      ends_[i] = ends_[i - 1];
    }
    hashes_[at] = hash;
    ends_[at] = end;
    if (count_ == Sketch::kMostFeatures) limit_ = hashes_[count_ - 1];
  }

  [[nodiscard]] Sketch sketch() const {
    Sketch sketch;
    for (std::size_t i = 0; i < count_; ++i) sketch.features[i] = feature_of(ends_[i]);
    std::sort(sketch.features.begin(), sketch.features.begin() + count_);
    // Duplicates would count twice.
    const auto end = std::unique(sketch.features.begin(), sketch.features.begin() + count_);
    std::fill(end, sketch.features.end(), 0);
    return sketch;
  }

 private:
  std::array<std::uint32_t, Sketch::kMostFeatures> hashes_{};  // ascending
  std::array<const std::byte*, Sketch::kMostFeatures> ends_{};
  std::size_t count_ = 0;
  std::uint32_t limit_ = std::numeric_limits<std::uint32_t>::max();
};

// The hash of the bytes before the first complete window.
std::uint32_t warm_up(const std::byte* first) {
  std::uint32_t hash = 0;
  for (const std::byte* at = first - (Sketch::kWindowBytes - 1); at < first; ++at) {
    hash = step(hash, *at);
  }
  return hash;
}

// Scans all windows that end with a byte of [begin, end).
void scan(const std::byte* begin, const std::byte* end, Smallest& smallest) {
  std::uint32_t hash = warm_up(begin);
  for (const std::byte* at = begin; at < end; ++at) {
    hash = step(hash, *at);
    if (hash < smallest.limit()) [[unlikely]]
      smallest.take(hash, at + 1);
  }
}

// The same for a long range: four parts in turns, then the remainder.
void scan_long(const std::byte* begin, const std::byte* end, Smallest& smallest) {
  const std::size_t part = static_cast<std::size_t>(end - begin) / kStreams;
  std::array<const std::byte*, kStreams> at{};
  std::array<std::uint32_t, kStreams> hash{};
  for (std::size_t i = 0; i < kStreams; ++i) {
    at[i] = begin + i * part;
    hash[i] = warm_up(at[i]);
  }
  std::uint32_t limit = smallest.limit();
  for (std::size_t n = 0; n < part; ++n) {
    for (std::size_t i = 0; i < kStreams; ++i) hash[i] = step(hash[i], at[i][n]);
    const std::uint32_t least = std::min(std::min(hash[0], hash[1]), std::min(hash[2], hash[3]));
    if (least >= limit) [[likely]]
      continue;
    for (std::size_t i = 0; i < kStreams; ++i) {
      if (hash[i] < smallest.limit()) smallest.take(hash[i], at[i] + n + 1);
    }
    limit = smallest.limit();
  }
  scan(begin + kStreams * part, end, smallest);
}

}  // namespace

Sketch make_sketch(Bytes payload) {
  if (payload.size() < Sketch::kWindowBytes) return {};
  Smallest smallest;
  const std::byte* const begin = payload.data() + (Sketch::kWindowBytes - 1);
  const std::byte* const end = payload.data() + payload.size();
  if (payload.size() < kLeastForStreams) {
    scan(begin, end, smallest);
  } else {
    scan_long(begin, end, smallest);
  }
  return smallest.sketch();
}

unsigned common_features(const Sketch& a, const Sketch& b) {
  // Comparing every pair without branches is faster than a merge.
  unsigned common = 0;
  for (const std::uint32_t feature : a.features) {
    unsigned found = 0;
    for (const std::uint32_t other : b.features) found |= static_cast<unsigned>(feature == other);
    common += found & static_cast<unsigned>(feature != 0);
  }
  return common;
}

}  // namespace bale
