// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What read_bench.cc and check_bench.cc need: packs to read, and a race of two sides on the same
// work.

#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "bale/pack_builder.h"
#include "bale/pack_reader.h"
#include "base/check.h"
#include "base/endian.h"
#include "base/known_id.h"
#include "testing/test_bytes.h"

namespace bale {

/// The value of a Result; the program ends where there is none.
template <typename T>
T must(Result<T> result) {
  if (!result) std::fprintf(stderr, "read_bench: %s\n", result.error().message.c_str());
  CHECK(result.has_value());
  return std::move(result).value();
}

inline void must(const Result<void>& result) {
  if (!result) std::fprintf(stderr, "read_bench: %s\n", result.error().message.c_str());
  CHECK(result.has_value());
}

/// Spread as hashes are; another number, another id.
inline ObjectId random_id(std::uint64_t number) {
  std::array<std::byte, 32> id;
  TestRandom random(number);
  for (std::size_t at = 0; at < id.size(); at += 8) store_be(id.data() + at, random.next());
  return known_id<ObjectId>(IdKind::kContentHash, id);
}

struct PackPlan {
  std::size_t count = 0;
  std::size_t smallest_bytes = 0;
  std::size_t largest_bytes = 0;
  bool compress = false;
};

/// A pack of pieces of text in the temporary directory, open, removed in the end. Object i has the
/// id random_id(i).
class BenchPack {
 public:
  explicit BenchPack(const PackPlan& plan) : plan_(plan) {
    std::string pattern = (std::filesystem::temp_directory_path() / "bale-bench-XXXXXX").string();
    CHECK(::mkdtemp(pattern.data()) != nullptr);
    directory_ = pattern;
    PackBuilderOptions options;
    options.work.sync = false;
    options.compress = plan.compress;
    PackBuilder builder = must(PackBuilder::create(path(), options));
    TestRandom random(1);
    const std::vector<std::byte> text = text_bytes(random, 4 << 20);
    for (std::size_t i = 0; i < plan.count; ++i) {
      const std::size_t size =
          plan.smallest_bytes + random.below(plan.largest_bytes - plan.smallest_bytes + 1);
      const Bytes payload = Bytes(text).subspan(random.below(text.size() - size), size);
      must(builder.add(random_id(i), ObjectType::kBlob, payload));
    }
    summary_ = must(builder.finish());
    reader_ = std::make_unique<PackReader>(must(PackReader::open(path())));
  }

  BenchPack(const BenchPack&) = delete;
  BenchPack& operator=(const BenchPack&) = delete;

  ~BenchPack() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  [[nodiscard]] std::string path() const { return directory_ + "/a.pack"; }

  [[nodiscard]] std::string index_path() const { return directory_ + "/a.idx"; }

  [[nodiscard]] const PackSummary& summary() const { return summary_; }

  [[nodiscard]] const PackReader& reader() const { return *reader_; }

  /// Ids of the pack's objects in random order, with repetitions.
  [[nodiscard]] std::vector<ObjectId> some_ids(std::size_t count) const {
    TestRandom random(2);
    std::vector<ObjectId> ids;
    ids.reserve(count);
    while (ids.size() < count) ids.push_back(random_id(random.below(plan_.count)));
    return ids;
  }

 private:
  PackPlan plan_;
  std::string directory_;
  PackSummary summary_;
  std::unique_ptr<PackReader> reader_;
};

inline const BenchPack& small_objects() {
  static const BenchPack pack({.count = 1'000'000, .smallest_bytes = 16, .largest_bytes = 64});
  return pack;
}

inline const BenchPack& text_objects() {
  static const BenchPack pack(
      {.count = 100'000, .smallest_bytes = 200, .largest_bytes = 8'000, .compress = true});
  return pack;
}

inline const BenchPack& few_objects() {
  static const BenchPack pack(
      {.count = 1'000, .smallest_bytes = 16, .largest_bytes = 2'000, .compress = true});
  return pack;
}

/// A file seen as memory.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path)
      : map_(must(must(posix_file_system().open(path))->map())) {}

  [[nodiscard]] Bytes bytes() const { return map_->bytes(); }

 private:
  std::unique_ptr<Mapping> map_;
};

/// A payload as it lies in the pack.
inline Bytes stored_payload(const MappedFile& pack, const EntryInfo& info) {
  return pack.bytes().subspan(info.offset + info.entry_bytes - info.stored_size, info.stored_size);
}

/// Runs both sides by turns, so that a loud neighbour disturbs both alike. Counters: nanoseconds
/// an operation of either side, and how many times as fast as the limit we are, each of them the
/// median of all rounds.
template <typename Ours, typename Limit>
void race(benchmark::State& state, std::size_t operation_count, const Ours& ours,
          const Limit& limit) {
  using Clock = std::chrono::steady_clock;
  const auto seconds_of = [](const auto& run) {
    const auto start = Clock::now();
    run();
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  ours();
  limit();
  std::vector<double> ours_seconds;
  std::vector<double> limit_seconds;
  std::vector<double> ratios;
  for (auto _ : state) {
    ours_seconds.push_back(seconds_of(ours));
    limit_seconds.push_back(seconds_of(limit));
    ratios.push_back(limit_seconds.back() / ours_seconds.back());
    state.SetIterationTime(ours_seconds.back());
  }
  const auto median = [](std::vector<double>& values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
  };
  const double scale = 1e9 / static_cast<double>(operation_count);
  state.counters["ours_ns"] = median(ours_seconds) * scale;
  state.counters["limit_ns"] = median(limit_seconds) * scale;
  state.counters["ours/limit"] = median(ratios);
}

}  // namespace bale
