// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What sorting index records of 41 bytes costs, in memory and on scratch files, beside std::sort
// and for ids of several shapes; and what a whole index costs. Times are nanoseconds a record: of
// the clock, and as _cpu those that all threads took together, which other programs on the machine
// disturb less. `make` is what the records themselves take, so `add` less `make` is the sorter's.
// Scratch lies in the temporary directory.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <vector>

#include "base/check.h"
#include "base/endian.h"
#include "base/known_id.h"
#include "base/lanes.h"
#include "pack/build/index_builder.h"
#include "scratch/external_sorter.h"
#include "scratch/radix_sort.h"
#include "testing/test_bytes.h"

namespace bale {
namespace {

using Record = std::array<std::byte, 41>;

enum Shape : std::int64_t { kRandom, kInOrder, kReversed, kCommonPrefix };

Record make_record(Shape shape, std::uint64_t number) {
  Record record{};
  TestRandom random(number * 4);
  for (std::size_t at = 1; at < 33; at += 8) store_be(record.data() + at, random.next());
  if (shape == kInOrder) store_be(record.data() + 1, number << 20);
  if (shape == kReversed) store_be(record.data() + 1, ~(number << 20));
  if (shape == kCommonPrefix) std::memset(record.data() + 1, 7, 24);
  store_be<std::uint64_t>(record.data() + 33, 16 + 100 * number);
  return record;
}

double nanoseconds_of(clockid_t clock) {
  timespec time{};
  CHECK(::clock_gettime(clock, &time) == 0);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

struct Nanoseconds {
  double wall = 0;
  double cpu = 0;
};

// Adds what `work` takes.
template <typename Work>
void measure(Nanoseconds& sum, const Work& work) {
  const double cpu = nanoseconds_of(CLOCK_PROCESS_CPUTIME_ID);
  const double wall = nanoseconds_of(CLOCK_MONOTONIC);
  work();
  sum.wall += nanoseconds_of(CLOCK_MONOTONIC) - wall;
  sum.cpu += nanoseconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
}

void report(benchmark::State& state, const std::string& name, const Nanoseconds& sum,
            std::uint64_t records) {
  const double count = static_cast<double>(state.iterations()) * static_cast<double>(records);
  state.counters[name] = sum.wall / count;
  state.counters[name + "_cpu"] = sum.cpu / count;
}

double make_nanoseconds(Shape shape) {
  static constexpr std::uint64_t kRecords = 1'000'000;
  Nanoseconds sum;
  measure(sum, [&] {
    for (std::uint64_t i = 0; i < kRecords; ++i) benchmark::DoNotOptimize(make_record(shape, i));
  });
  return sum.cpu / kRecords;
}

template <typename Sort>
void sort_in_memory(benchmark::State& state, const Sort& sort) {
  const auto count = static_cast<std::size_t>(state.range(1));
  std::vector<Record> records(count);
  Nanoseconds sorting;
  for ([[maybe_unused]] auto _ : state) {
    for (std::size_t i = 0; i < count; ++i) {
      records[i] = make_record(static_cast<Shape>(state.range(0)), i);
    }
    measure(sorting, [&] { sort(records); });
  }
  report(state, "sort", sorting, count);
}

void radix_sort_records(benchmark::State& state) {
  sort_in_memory(state, [](std::vector<Record>& records) { radix_sort<41>(records); });
}

void std_sort_records(benchmark::State& state) {
  sort_in_memory(state,
                 [](std::vector<Record>& records) { std::sort(records.begin(), records.end()); });
}

// Arguments: shape, runs (with lanes twice as many, of half the length), KiB for adding, KiB for
// merging, lanes.
void sort_on_scratch(benchmark::State& state) {
  const auto shape = static_cast<Shape>(state.range(0));
  const auto memory_bytes = static_cast<std::uint64_t>(state.range(2)) << 10;
  const auto merge_bytes = static_cast<std::uint64_t>(state.range(3)) << 10;
  const std::uint64_t count = static_cast<std::uint64_t>(state.range(1)) * (memory_bytes / 41);
  Lanes lanes(static_cast<std::size_t>(state.range(4)));
  Nanoseconds adding;
  Nanoseconds finishing;
  for ([[maybe_unused]] auto _ : state) {
    Budget budget(std::max(memory_bytes, merge_bytes));
    auto sorter = ExternalSorter<41>::create(
        budget, {.memory_bytes = memory_bytes,
                 .scratch_directory = std::filesystem::temp_directory_path().string(),
                 .lanes = &lanes});
    CHECK(sorter.has_value());
    measure(adding, [&] {
      for (std::uint64_t i = 0; i < count; ++i) CHECK(sorter->add(make_record(shape, i)));
    });
    measure(finishing, [&] {
      CHECK(sorter->sort(merge_bytes));
      for (std::uint64_t i = 0; i < count; ++i) CHECK(*sorter->next() != nullptr);
    });
  }
  report(state, "add", adding, count);
  report(state, "finish", finishing, count);
  state.counters["make"] = make_nanoseconds(shape);
}

// Arguments: records, KiB for adding, KiB for merging, lanes. Memory as a builder of 16 MiB has it.
void build_index(benchmark::State& state) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  const auto memory_bytes = static_cast<std::uint64_t>(state.range(1)) << 10;
  const auto merge_bytes = static_cast<std::uint64_t>(state.range(2)) << 10;
  const std::string directory = std::filesystem::temp_directory_path().string();
  Lanes lanes(static_cast<std::size_t>(state.range(3)));
  Nanoseconds adding;
  Nanoseconds finishing;
  for ([[maybe_unused]] auto _ : state) {
    Budget budget(std::max(memory_bytes, merge_bytes) + kIndexWriteBufferBytes);
    auto builder = IndexBuilder::create(
        budget, {.memory_bytes = memory_bytes, .scratch_directory = directory, .lanes = &lanes});
    CHECK(builder.has_value());
    const auto file = posix_file_system().create_unnamed(directory);
    CHECK(file.has_value());
    measure(adding, [&] {
      for (std::uint64_t i = 0; i < count; ++i) {
        const Record record = make_record(kRandom, i);
        CHECK(builder->add(known_id<ObjectId>(IdKind::kContentHash, Bytes(record).subspan(1, 32)),
                           i));
      }
    });
    measure(finishing, [&] { CHECK(builder->write(**file, budget, Digest{}, merge_bytes)); });
  }
  report(state, "add", adding, count);
  report(state, "finish", finishing, count);
}

void shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->Unit(benchmark::kMillisecond);
  for (const std::int64_t shape : {kRandom, kInOrder, kReversed, kCommonPrefix}) {
    benchmark->Args({shape, 150'000});
  }
  benchmark->Args({kRandom, 1'000'000});
}

void scratch_shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->Unit(benchmark::kMillisecond)
      ->ArgNames({"shape", "runs", "add_KiB", "merge_KiB", "lanes"});
  for (const std::int64_t shape : {kRandom, kInOrder, kReversed, kCommonPrefix}) {
    benchmark->Args({shape, 1, 16 << 10, 16 << 10, 1});
    benchmark->Args({shape, 8, 2 << 10, 2 << 10, 1});
    benchmark->Args({shape, 100, 2 << 10, 2 << 10, 1});
    benchmark->Args({shape, 1000, 1 << 10, 15 << 10, 1});
  }
  // As short as the pieces may be in which runs are read back; and with lanes.
  benchmark->Args({kRandom, 1000, 1 << 10, 9 << 10, 1});
  benchmark->Args({kRandom, 100, 2 << 10, 2 << 10, 2});
  benchmark->Args({kRandom, 500, 2 << 10, 15 << 10, 2});
}

BENCHMARK(radix_sort_records)->Apply(shapes);
BENCHMARK(std_sort_records)->Apply(shapes);
BENCHMARK(sort_on_scratch)->Apply(scratch_shapes);
BENCHMARK(build_index)
    ->Unit(benchmark::kMillisecond)
    ->Args({1'000'000, 6 << 10, 15 << 10, 1})
    ->Args({1'000'000, 6 << 10, 15 << 10, 2})
    ->Args({10'000'000, 6 << 10, 15 << 10, 1})
    ->Args({10'000'000, 6 << 10, 15 << 10, 2});
BENCHMARK(build_index)->Name("smoke_build_index")->Args({20'000, 512, 512, 2});
BENCHMARK(sort_on_scratch)->Name("smoke_sort_on_scratch")->Args({kRandom, 3, 256, 256, 2});

}  // namespace
}  // namespace bale
