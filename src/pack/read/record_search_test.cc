// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// How many steps a search takes: few among hashes, and never many more than bisection would.

#include "pack/read/record_search.h"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <vector>

#include "testing/matchers.h"
#include "testing/pack_fixture.h"
#include "testing/test_bytes.h"

namespace bale {
namespace {

constexpr std::uint64_t kCount = 200'000;

using SearchKey = std::array<std::byte, 32>;

SearchKey make_search_key(std::size_t at, std::uint64_t word) {
  SearchKey key{};
  store_be(key.data() + at, word);
  return key;
}

struct Steps {
  std::uint64_t most = 0;
  double mean = 0;
};

// Searches for keys of a sorted table, and for what lies just beside them.
Steps count_steps(std::vector<SearchKey> keys, TestRandom& random) {
  std::sort(keys.begin(), keys.end());
  const Bytes area = std::as_bytes(std::span<const SearchKey>(keys));
  const RecordTable table(area, sizeof(SearchKey), 0, sizeof(SearchKey));
  Steps steps;
  std::uint64_t sum = 0;
  constexpr int kSearches = 20'000;
  for (int i = 0; i < kSearches; ++i) {
    SearchKey key = keys[random.below(keys.size())];
    key.back() ^= static_cast<std::byte>(i % 3);
    RecordSearch search(table, key.data());
    std::uint64_t count = 0;
    while (!search.done()) {
      search.prefetch();
      search.step();
      ++count;
    }
    const auto expected = std::lower_bound(keys.begin(), keys.end(), key);
    EXPECT_EQ(search.position(), static_cast<std::uint64_t>(expected - keys.begin()));
    steps.most = std::max(steps.most, count);
    sum += count;
  }
  steps.mean = static_cast<double>(sum) / kSearches;
  return steps;
}

Steps count_steps(const std::function<SearchKey(std::uint64_t)>& key, TestRandom& random) {
  std::vector<SearchKey> keys;
  for (std::uint64_t i = 0; i < kCount; ++i) keys.push_back(key(i));
  return count_steps(std::move(keys), random);
}

TEST(RecordSearchTest, AmongHashesFourStepsAreTheRule) {
  TestRandom random(1);
  const Steps steps = count_steps(
      [&](std::uint64_t) {
        SearchKey key;
        for (std::size_t at = 0; at < sizeof(SearchKey); at += 8) {
          store_be(key.data() + at, random.next());
        }
        return key;
      },
      random);
  EXPECT_LE(steps.mean, 3.8);
}

TEST(RecordSearchTest, NumbersAfterASharedPrefixAreFoundAtOnce) {
  TestRandom random(2);
  for (const std::size_t at : {std::size_t{0}, std::size_t{5}, std::size_t{20}, std::size_t{24}}) {
    const Steps steps = count_steps(
        [&](std::uint64_t i) { return make_search_key(at, 3 * i + 1'000'000); }, random);
    EXPECT_LE(steps.mean, 2.1) << at;
  }
}

TEST(RecordSearchTest, WhoeverChoseTheKeysASearchTakesFourStepsMoreThanBisectionAtMost) {
  const std::uint64_t most = std::bit_width(kCount) + RecordSearch::kMostGuesses + 1;
  TestRandom random(3);
  const auto expect_few = [&](const char* what,
                              const std::function<SearchKey(std::uint64_t)>& key) {
    const Steps steps = count_steps(key, random);
    EXPECT_LE(steps.most, most) << what;
  };
  expect_few("half of them in each half of what is left", [&](std::uint64_t i) {
    return make_search_key(0, (std::uint64_t{1} << (i % 64)) + random.next() % (i % 64 + 1));
  });
  expect_few("two crowds far apart", [&](std::uint64_t i) {
    return make_search_key(0, (i % 2 == 0 ? 0 : UINT64_MAX - kCount) + i);
  });
  expect_few("a crowd and one stray",
             [&](std::uint64_t i) { return make_search_key(0, i == 0 ? UINT64_MAX : i); });
  expect_few("a stray and one crowd",
             [&](std::uint64_t i) { return make_search_key(0, i == 0 ? 0 : UINT64_MAX - i); });
  expect_few("closer and closer", [&](std::uint64_t i) {
    const double place = static_cast<double>(i) / kCount;
    return make_search_key(0, static_cast<std::uint64_t>(place * place * place * place * 0x1p60));
  });
  expect_few("crowds of a thousand", [&](std::uint64_t i) {
    return make_search_key(0, (i / 1'000) * 0x0123456789abcdef + i);
  });
  expect_few("all alike in the word that guesses are made from", [&](std::uint64_t i) {
    SearchKey key = make_search_key(24, i);
    key[0] = static_cast<std::byte>(i == 0 ? 0 : 1);
    return key;
  });
  expect_few("all alike", [&](std::uint64_t) { return make_search_key(0, 5); });
}

TEST(RecordSearchTest, InATableOutOfOrderASearchEndsInside) {
  TestRandom random(4);
  for (std::size_t round = 0; round < 2'000; ++round) {
    const ByteVector area = random_bytes(random, 41 * random.below(300));
    const RecordTable table(area, 41, 1, 32);
    const ByteVector key = random_bytes(random, 32);
    RecordSearch search(table, key.data());
    std::uint64_t count = 0;
    while (!search.done()) {
      search.step();
      ASSERT_LE(++count, 14u);
    }
    EXPECT_LE(search.position(), table.size());
  }
}

}  // namespace
}  // namespace bale
