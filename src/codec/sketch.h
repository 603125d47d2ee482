// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Sketch: a few numbers computed from an object's bytes; objects that share many bytes share many
// numbers. It finds delta bases among renamed and copied files, and among a file's versions on many
// branches.
//
//   const Sketch a = make_sketch(old_version);
//   const Sketch b = make_sketch(new_version);
//   if (common_features(a, b) >= 24) try_delta(a, b);     // some three quarters are the same
//
// Min-hashing (A. Broder, On the resemblance and containment of documents, 1997), with the k
// smallest values of one hash function. Each window of 32 bytes, at every position, has a rolling
// hash (the "gear" of W. Xia et al., Ddelta, 2014); if it is among the object's smallest, a second
// hash of the same bytes becomes a feature. The share of common features estimates the share of
// common bytes.
//
// Takes about 0.5 ns a byte, at worst (zeros, short periods) eight times that: linear for any
// bytes. The numbers are the same on every machine. All functions are thread-safe.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "bale/bytes.h"

namespace bale {

struct Sketch {
  static constexpr std::size_t kMostFeatures = 32;
  /// Shorter objects have no features.
  static constexpr std::size_t kWindowBytes = 32;

  /// Nonzero, distinct, ascending; padded with 0. Objects of less than 43 bytes, or of few
  /// different windows, have fewer than kMostFeatures.
  std::array<std::uint32_t, kMostFeatures> features{};

  bool operator==(const Sketch&) const = default;
};

[[nodiscard]] Sketch make_sketch(Bytes payload);

/// The number of common features: 0..kMostFeatures.
[[nodiscard]] unsigned common_features(const Sketch& a, const Sketch& b);

}  // namespace bale
