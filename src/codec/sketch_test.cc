// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "codec/sketch.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "testing/test_bytes.h"

namespace bale {
namespace {

std::size_t feature_count(const Sketch& sketch) {
  return static_cast<std::size_t>(
      std::count_if(sketch.features.begin(), sketch.features.end(),
                    [](std::uint32_t feature) { return feature != 0; }));
}

TEST(SketchTest, AnObjectShorterThanAWindowHasNoFeatures) {
  TestRandom random(1);
  EXPECT_EQ(make_sketch({}), Sketch());
  EXPECT_EQ(make_sketch(random_bytes(random, Sketch::kWindowBytes - 1)), Sketch());
  EXPECT_EQ(feature_count(make_sketch(random_bytes(random, Sketch::kWindowBytes))), 1u);
}

TEST(SketchTest, FeaturesAscendAndAreAtMostAsManyAsThereAreRuns) {
  TestRandom random(2);
  for (const std::size_t size : {40u, 100u, 511u, 512u, 513u, 5'000u, 100'000u}) {
    const Sketch sketch = make_sketch(random_bytes(random, size));
    const std::size_t count = feature_count(sketch);
    EXPECT_EQ(count, std::min(Sketch::kMostFeatures, size - Sketch::kWindowBytes + 1)) << size;
    EXPECT_TRUE(std::is_sorted(sketch.features.begin(),
                               sketch.features.begin() + static_cast<std::ptrdiff_t>(count)));
  }
}

TEST(SketchTest, ARepeatedRunIsOneFeature) {
  const std::vector<std::byte> zeros(10'000);
  EXPECT_EQ(feature_count(make_sketch(zeros)), 1u);
  std::vector<std::byte> periodic(10'000);
  for (std::size_t i = 0; i < periodic.size(); ++i) periodic[i] = static_cast<std::byte>(i % 7);
  EXPECT_EQ(feature_count(make_sketch(periodic)), 7u);
}

// All windows count, also where the parts of a long object meet: a sketch does not depend on the
// position of the bytes.
TEST(SketchTest, TheSameBytesElsewhereGiveTheSameFeatures) {
  TestRandom random(3);
  const std::vector<std::byte> bytes = random_bytes(random, 4'000);
  const Sketch sketch = make_sketch(bytes);
  for (const std::size_t zeros : {1u, 2u, 3u, 31u, 32u, 700u}) {
    std::vector<std::byte> moved(zeros);
    moved.insert(moved.end(), bytes.begin(), bytes.end());
    // Windows that begin in the zeros may displace some.
    EXPECT_GE(common_features(make_sketch(moved), sketch), Sketch::kMostFeatures - 4) << zeros;
  }
}

TEST(SketchTest, WhatIsMoreAlikeHasMoreInCommon) {
  TestRandom random(4);
  unsigned little_changed = 0;
  unsigned much_changed = 0;
  unsigned unrelated = 0;
  for (int i = 0; i < 50; ++i) {
    const std::vector<std::byte> text = text_bytes(random, 20'000);
    const Sketch sketch = make_sketch(text);
    little_changed += common_features(sketch, make_sketch(edited(random, text, 5)));
    much_changed += common_features(sketch, make_sketch(edited(random, text, 300)));
    unrelated += common_features(sketch, make_sketch(text_bytes(random, 20'000)));
  }
  EXPECT_GT(little_changed, 50 * Sketch::kMostFeatures * 9 / 10);
  EXPECT_LT(much_changed, little_changed * 3 / 4);
  EXPECT_LT(unrelated, much_changed / 4);
}

TEST(SketchTest, NothingHasNothingInCommon) {
  EXPECT_EQ(common_features(Sketch(), Sketch()), 0u);
}

// Packs depend on them: another sketch would choose other bases.
TEST(SketchTest, TheNumbersNeverChange) {
  TestRandom random(5);
  const Sketch sketch = make_sketch(random_bytes(random, 1'000));
  EXPECT_EQ(sketch.features[0], 12984593u);
}

}  // namespace
}  // namespace bale
