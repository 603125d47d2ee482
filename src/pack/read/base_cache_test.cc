// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/read/base_cache.h"

#include <algorithm>
#include <map>

#include "testing/matchers.h"
#include "testing/pack_fixture.h"
#include "testing/test_bytes.h"

namespace bale {
namespace {

class BaseCacheTest : public testing::Test {
 protected:
  // A cache of so many bytes, each of which a sanitizer watches over.
  void make_cache(std::size_t ring_bytes) {
    auto ring = Buffer::allocate(budget_, ring_bytes, "a ring");
    ASSERT_THAT(ring, IsOk());
    cache_.reset(std::move(*ring));
  }

  [[nodiscard]] bool holds(std::uint64_t offset, const ByteVector& payload) const {
    const auto hit = cache_.find({1, offset});
    return hit.has_value() && std::ranges::equal(hit->payload, payload);
  }

  Budget budget_{1 << 20};
  BaseCache cache_;
};

TEST_F(BaseCacheTest, HoldsNothingUntilItHasARing) {
  EXPECT_FALSE(cache_.enabled());
  cache_.put({1, 1}, ObjectType::kBlob, 0, noise(1, 1));
  EXPECT_FALSE(cache_.find({1, 1}).has_value());
}

TEST_F(BaseCacheTest, GivesBackTypeDepthAndPayload) {
  make_cache(4096);
  cache_.put({1, 7}, ObjectType::kTree, 3, noise(100, 1));
  const auto hit = cache_.find({1, 7});
  ASSERT_TRUE(hit.has_value());
  EXPECT_EQ(hit->type, ObjectType::kTree);
  EXPECT_EQ(hit->depth, 3);
  EXPECT_TRUE(std::ranges::equal(hit->payload, noise(100, 1)));
  EXPECT_FALSE(cache_.find({2, 7}).has_value());
}

TEST_F(BaseCacheTest, PayloadsThatFillTheRingToItsEndWrapAround) {
  // Four quarters fill it exactly; the fifth goes to the front, not behind the end.
  make_cache(4096);
  for (std::uint64_t i = 0; i < 9; ++i) {
    cache_.put({1, i}, ObjectType::kBlob, 0, noise(1024, i));
    EXPECT_TRUE(holds(i, noise(1024, i))) << i;
    if (i >= 3) {
      EXPECT_TRUE(holds(i - 3, noise(1024, i - 3))) << i;
    }
    if (i >= 4) {
      EXPECT_FALSE(cache_.find({1, i - 4}).has_value()) << i;
    }
  }
}

TEST_F(BaseCacheTest, RefusesWhatWouldPushOutTooMuch) {
  make_cache(4096);
  cache_.put({1, 1}, ObjectType::kBlob, 0, noise(1025, 1));
  EXPECT_FALSE(cache_.find({1, 1}).has_value());
}

TEST_F(BaseCacheTest, WhatItAnswersIsAlwaysWhatWasPut) {
  for (const std::size_t ring_bytes : {std::size_t{4096}, std::size_t{5000}, std::size_t{65536}}) {
    make_cache(ring_bytes);
    TestRandom random(ring_bytes);
    std::map<std::uint64_t, ByteVector> put;
    for (std::uint64_t i = 0; i < 3'000; ++i) {
      // Powers of two meet the ring's end exactly; others leave gaps there.
      const std::size_t size =
          random.below(2) == 0 ? std::size_t{1} << random.below(11) : random.below(1100);
      put[i] = random_bytes(random, size);
      cache_.put({1, i}, ObjectType::kBlob, 0, put[i]);
      const bool fits = size > 0 && size <= ring_bytes / 4;
      ASSERT_EQ(cache_.find({1, i}).has_value(), fits);
      const std::uint64_t earlier = i - std::min<std::uint64_t>(i, random.below(20));
      const auto hit = cache_.find({1, earlier});
      if (hit) {
        ASSERT_TRUE(std::ranges::equal(hit->payload, put[earlier]));
      }
    }
  }
}

}  // namespace
}  // namespace bale
