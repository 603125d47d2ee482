// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Interpolation search against std::lower_bound, over keys that are spread evenly and over keys
// chosen to mislead it.

#include "pack/read/record_table.h"

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "testing/matchers.h"
#include "testing/pack_fixture.h"
#include "testing/test_bytes.h"

namespace bale {
namespace {

using Key = std::array<std::byte, 16>;

Key make_key(std::uint64_t high, std::uint64_t low = 0) {
  Key key;
  store_be(key.data(), high);
  store_be(key.data() + 8, low);
  return key;
}

// Records of a tag, a key and a payload, as in an index.
class Table {
 public:
  static constexpr std::size_t kStride = 1 + sizeof(Key) + 8;

  explicit Table(std::vector<Key> keys) : keys_(std::move(keys)) {
    std::sort(keys_.begin(), keys_.end());
    for (const Key& key : keys_) {
      area_.push_back(std::byte{0xff});
      area_.insert(area_.end(), key.begin(), key.end());
      area_.insert(area_.end(), 8, std::byte{0xee});
    }
  }

  [[nodiscard]] RecordTable view() const { return {area_, kStride, 1, sizeof(Key)}; }

  [[nodiscard]] const std::vector<Key>& keys() const { return keys_; }

  // Look up every key, and what is just below and just above it.
  void check_all() const {
    for (const Key& key : keys_) {
      for (const int step : {-1, 0, 1}) {
        auto low = load_be<std::uint64_t>(key.data() + 8);
        low += static_cast<std::uint64_t>(step);
        check(make_key(load_be<std::uint64_t>(key.data()), low));
      }
    }
    check(make_key(0));
    check(make_key(UINT64_MAX, UINT64_MAX));
  }

  void check(const Key& key) const {
    const auto expected = std::lower_bound(keys_.begin(), keys_.end(), key);
    const auto position = static_cast<std::uint64_t>(expected - keys_.begin());
    ASSERT_EQ(view().lower_bound(key), position);
    const bool there = expected != keys_.end() && *expected == key;
    ASSERT_EQ(view().find(key), there ? position : keys_.size());
  }

 private:
  std::vector<Key> keys_;
  ByteVector area_;
};

TEST(RecordTableTest, AnEmptyTableHoldsNothing) {
  const RecordTable table;
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(table.lower_bound(make_key(5)), 0u);
  EXPECT_EQ(table.find(make_key(5)), 0u);
}

TEST(RecordTableTest, EveryPositionOfEverySizeUpToAHundredIsFound) {
  for (std::size_t size = 0; size <= 100; ++size) {
    TestRandom random(size + 1);
    std::vector<Key> even;
    std::vector<Key> spread;
    for (std::size_t i = 0; i < size; ++i) {
      even.push_back(make_key(0, 2 * i + 1));
      spread.push_back(make_key(random.next(), random.next()));
    }
    Table(even).check_all();
    Table(spread).check_all();
  }
}

TEST(RecordTableTest, RandomKeysAreFound) {
  TestRandom random(1);
  std::vector<Key> keys;
  for (int i = 0; i < 50'000; ++i) keys.push_back(make_key(random.next(), random.next()));
  Table(keys).check_all();
}

TEST(RecordTableTest, KeysThatShareAPrefixAreFound) {
  TestRandom random(2);
  std::vector<Key> shared;
  std::vector<Key> two_groups;
  for (int i = 0; i < 5'000; ++i) {
    shared.push_back(make_key(0x5a5a5a5a5a5a5a5a, random.next()));
    two_groups.push_back(make_key(i % 2 == 0 ? 1 : UINT64_MAX - 1, random.next()));
  }
  Table(shared).check_all();
  Table(two_groups).check_all();
}

TEST(RecordTableTest, KeysMeantToMisleadAreFound) {
  // Exponentially spaced, so that every guess is far off; dense at one end with one stray.
  std::vector<Key> exponential;
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (std::uint64_t i = 0; i < 50; ++i) {
      exponential.push_back(make_key(std::uint64_t{1} << bit, i * 3));
      exponential.push_back(make_key((std::uint64_t{1} << bit) + i, 1));
    }
  }
  Table(exponential).check_all();
  std::vector<Key> dense_low = {make_key(UINT64_MAX, 7)};
  std::vector<Key> dense_high = {make_key(0, 7)};
  for (std::uint64_t i = 0; i < 5'000; ++i) {
    dense_low.push_back(make_key(i));
    dense_high.push_back(make_key(UINT64_MAX - i));
  }
  Table(dense_low).check_all();
  Table(dense_high).check_all();
}

TEST(RecordTableTest, OfEqualKeysTheFirstIsFound) {
  std::vector<Key> keys(100, make_key(5, 5));
  keys.insert(keys.end(), 50, make_key(4));
  keys.insert(keys.end(), 50, make_key(UINT64_MAX, UINT64_MAX));
  Table(keys).check_all();
}

TEST(RecordTableTest, KeysOutOfOrderNeverLeadOutOfTheTable) {
  // An index from a disk may hold anything: any position is right, a crash is not.
  TestRandom random(3);
  for (int round = 0; round < 200; ++round) {
    const ByteVector area = random_bytes(random, Table::kStride * random.below(60));
    const RecordTable table(area, Table::kStride, 1, sizeof(Key));
    for (int i = 0; i < 20; ++i) {
      EXPECT_LE(table.lower_bound(make_key(random.next())), table.size());
    }
  }
}

}  // namespace
}  // namespace bale
