// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/radix_sort.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/endian.h"
#include "codec/test_bytes.h"
#include "testing/matchers.h"

namespace bale {
namespace {

using Record = std::array<std::byte, 16>;

void expect_sorts_as_std(std::vector<Record> records) {
  std::vector<Record> expected = records;
  std::sort(expected.begin(), expected.end());
  radix_sort<16>(records);
  EXPECT_TRUE(records == expected) << records.size() << " records";
}

std::vector<Record> generate(std::size_t count,
                             const std::function<void(Record&, std::size_t)>& fill) {
  std::vector<Record> records(count);
  for (std::size_t i = 0; i < count; ++i) {
    records[i].fill(std::byte{0});
    fill(records[i], i);
  }
  return records;
}

TEST(RadixSortTest, EverySizeAroundTheInsertionSortIsSorted) {
  TestRandom random(1);
  for (std::size_t count = 0; count < 100; ++count) {
    expect_sorts_as_std(generate(
        count, [&](Record& record, std::size_t) { store_be(record.data(), random.next()); }));
  }
}

TEST(RadixSortTest, RandomRecordsAreSorted) {
  TestRandom random(2);
  expect_sorts_as_std(generate(20'000, [&](Record& record, std::size_t) {
    store_be(record.data(), random.next());
    store_be(record.data() + 8, random.next());
  }));
}

TEST(RadixSortTest, CommonPrefixesAreSorted) {
  TestRandom random(3);
  for (const std::size_t prefix : {1u, 7u, 8u}) {
    expect_sorts_as_std(generate(20'000, [&](Record& record, std::size_t) {
      store_be(record.data() + prefix, random.next());
    }));
  }
}

TEST(RadixSortTest, RecordsThatDifferInTheLastByteOnlyAreSorted) {
  expect_sorts_as_std(generate(
      5'000, [](Record& record, std::size_t i) { record[15] = static_cast<std::byte>(i * 7); }));
}

TEST(RadixSortTest, DuplicatesAndSortedInputsAreSorted) {
  TestRandom random(4);
  expect_sorts_as_std(generate(5'000, [](Record&, std::size_t) {}));
  expect_sorts_as_std(generate(5'000, [&](Record& record, std::size_t) {
    record[3] = static_cast<std::byte>(random.below(3));
    record[9] = static_cast<std::byte>(random.below(3));
  }));
  expect_sorts_as_std(
      generate(5'000, [](Record& record, std::size_t i) { store_be(record.data() + 4, i); }));
  expect_sorts_as_std(generate(
      5'000, [](Record& record, std::size_t i) { store_be(record.data() + 4, 5'000 - i); }));
}

}  // namespace
}  // namespace bale
