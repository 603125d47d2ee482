// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Sketch: a few numbers that stand for an object's bytes, so that objects which share many bytes
// share many of the numbers. It finds bases for deltas where nothing else does: in renamed and
// copied files, and among the versions of a file on many branches.
//
//   const Sketch a = make_sketch(old_version);
//   const Sketch b = make_sketch(new_version);
//   if (common_features(a, b) >= 24) try_delta(a, b);     // some three quarters are the same
//
// Min-hashing (A. Broder, On the resemblance and containment of documents, 1997), with the k
// smallest values of one hash function. Each run of 32 bytes, at every position, has a rolling hash
// (the "gear" of W. Xia et al., Ddelta, 2014); where it is among the smallest of the object,
// a second hash of the same 32 bytes becomes a feature. The share of features that two sketches
// have in common estimates the share of bytes that the objects have in common.
//
// Takes some 0.5 ns a byte, at worst (zeros, short periods) eight times that, so linear for any
// bytes. The numbers are the same on every machine.

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

  /// Not 0, each at most once, in ascending order; 0 behind the last. Objects of less than 43
  /// bytes, or of few different runs, have fewer than kMostFeatures.
  std::array<std::uint32_t, kMostFeatures> features{};

  bool operator==(const Sketch&) const = default;
};

[[nodiscard]] Sketch make_sketch(Bytes payload);

/// How many features the two have in common: 0..kMostFeatures.
[[nodiscard]] unsigned common_features(const Sketch& a, const Sketch& b);

}  // namespace bale
