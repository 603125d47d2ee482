// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "scratch/radix_sort.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <vector>

#include "base/endian.h"
#include "testing/matchers.h"
#include "testing/test_bytes.h"

namespace bale {
namespace {

using Record = std::array<std::byte, 16>;
using IndexRecord = std::array<std::byte, 41>;

template <std::size_t kBytes>
void expect_sorts_as_std(std::vector<std::array<std::byte, kBytes>> records) {
  std::vector<std::array<std::byte, kBytes>> expected = records;
  std::sort(expected.begin(), expected.end());
  radix_sort<kBytes>(records);
  EXPECT_TRUE(records == expected) << records.size() << " records";
}

template <typename R = Record>
std::vector<R> generate(std::size_t count,
                        const std::function<void(std::type_identity_t<R>&, std::size_t)>& fill) {
  std::vector<R> records(count);
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

TEST(RadixSortTest, EverySizeAroundTheLargestBucketThatIsSortedByKeysIsSorted) {
  TestRandom random(5);
  for (const std::size_t count : {1023u, 1024u, 1025u, 2000u, 3000u}) {
    expect_sorts_as_std(generate<IndexRecord>(count, [&](IndexRecord& record, std::size_t i) {
      store_be(record.data() + 1, random.next());
      store_be(record.data() + 33, i);
    }));
  }
}

TEST(RadixSortTest, BucketsOfAllSizesAreSorted) {
  TestRandom random(6);
  // Half of the records are in one bucket, half of these in one bucket of its own, and so on.
  expect_sorts_as_std(generate<IndexRecord>(30'000, [&](IndexRecord& record, std::size_t) {
    for (std::size_t at = random.below(2) == 0 ? 0 : random.below(33); at < 41; ++at) {
      record[at] = static_cast<std::byte>(random.next());
    }
  }));
}

TEST(RadixSortTest, RecordsThatDifferAfterAnyPrefixAreSorted) {
  TestRandom random(7);
  for (std::size_t prefix = 0; prefix < 41; ++prefix) {
    for (const std::size_t count : {100u, 1200u}) {
      expect_sorts_as_std(generate<IndexRecord>(count, [&](IndexRecord& record, std::size_t) {
        record.fill(std::byte{0xff});
        for (std::size_t at = prefix; at < 41; ++at) {
          record[at] = static_cast<std::byte>(random.next());
        }
      }));
    }
  }
}

TEST(RadixSortTest, RecordsWithOneBitSetAreSorted) {
  expect_sorts_as_std(generate<IndexRecord>(20'000, [](IndexRecord& record, std::size_t i) {
    record[i % 328 / 8] = static_cast<std::byte>(0x80U >> (i % 8));
  }));
}

TEST(RadixSortTest, KeysThatAgreeInAllButTheirLastBitsAreSorted) {
  TestRandom random(8);
  expect_sorts_as_std(generate<IndexRecord>(10'000, [&](IndexRecord& record, std::size_t) {
    store_be(record.data(), random.below(2) << 63 | random.below(1000));
    store_be(record.data() + 20, random.below(5));
  }));
}

}  // namespace
}  // namespace bale
