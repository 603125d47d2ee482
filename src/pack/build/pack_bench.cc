// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// How fast packs are built, beside what bounds it: BLAKE3 of as many bytes, and zstd of the same
// payloads. Files lie in the temporary directory and are not synced. Reading: read_bench.cc.
//
//   build       a million objects of 16 to 64 bytes; 100,000 of 200 to 8,000 bytes of text

#include <benchmark/benchmark.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "bale/pack_builder.h"
#include "base/budget.h"
#include "base/check.h"
#include "base/endian.h"
#include "base/known_id.h"
#include "codec/zstd.h"
#include "hash/blake3.h"
#include "testing/test_bytes.h"

namespace bale {
namespace {

// Where objects' payloads are cut from, and which ids they get.
class Workload {
 public:
  struct Object {
    ObjectId id;
    Bytes payload;
  };

  Workload(std::size_t count, std::size_t smallest, std::size_t largest) : count_(count) {
    TestRandom random(1);
    source_ = text_bytes(random, 4 << 20);
    pieces_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t size = smallest + random.below(largest - smallest + 1);
      pieces_.push_back({random.below(source_.size() - size), size});
      payload_bytes_ += size;
    }
  }

  [[nodiscard]] std::size_t count() const { return count_; }

  [[nodiscard]] std::uint64_t payload_bytes() const { return payload_bytes_; }

  [[nodiscard]] Object object(std::size_t number) const {
    std::array<std::byte, 32> id;
    TestRandom random(number);
    for (std::size_t at = 0; at < id.size(); at += 8) store_be(id.data() + at, random.next());
    const Piece& piece = pieces_[number];
    return {known_id<ObjectId>(IdKind::kContentHash, id),
            Bytes(source_).subspan(piece.at, piece.size)};
  }

 private:
  struct Piece {
    std::size_t at;
    std::size_t size;
  };

  std::size_t count_;
  std::uint64_t payload_bytes_ = 0;
  std::vector<std::byte> source_;
  std::vector<Piece> pieces_;
};

const Workload& small_objects() {
  static const Workload workload(1'000'000, 16, 64);
  return workload;
}

const Workload& text_objects() {
  static const Workload workload(100'000, 200, 8'000);
  return workload;
}

const Workload& few_objects() {
  static const Workload workload(1'000, 16, 2'000);
  return workload;
}

PackSummary build(const std::string& path, const Workload& workload, bool compress) {
  PackBuilderOptions options;
  options.work.sync = false;
  options.compress = compress;
  auto builder = PackBuilder::create(path, options);
  CHECK(builder.has_value());
  for (std::size_t i = 0; i < workload.count(); ++i) {
    const Workload::Object object = workload.object(i);
    CHECK(builder->add(object.id, ObjectType::kBlob, object.payload));
  }
  auto summary = builder->finish();
  CHECK(summary.has_value());
  return std::move(*summary);
}

// A pack in the temporary directory, removed in the end.
class BenchPack {
 public:
  BenchPack(const Workload& workload, bool compress) {
    std::string pattern = (std::filesystem::temp_directory_path() / "bale-bench-XXXXXX").string();
    CHECK(::mkdtemp(pattern.data()) != nullptr);
    directory_ = pattern;
    summary_ = build(path(), workload, compress);
  }

  BenchPack(const BenchPack&) = delete;
  BenchPack& operator=(const BenchPack&) = delete;

  ~BenchPack() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  [[nodiscard]] std::string path() const { return directory_ + "/a.pack"; }

  [[nodiscard]] const PackSummary& summary() const { return summary_; }

 private:
  std::string directory_;
  PackSummary summary_;
};

void run_build(benchmark::State& state, const Workload& workload, bool compress) {
  PackSummary summary;
  for (auto _ : state) {
    const BenchPack pack(workload, compress);
    summary = pack.summary();
  }
  const auto rounds = static_cast<double>(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(summary.bytes_in));
  state.counters["objects/s"] = benchmark::Counter(rounds * static_cast<double>(summary.objects),
                                                   benchmark::Counter::kIsRate);
  state.counters["finish_ms"] = summary.finish_seconds * 1000;
  state.counters["ratio"] = summary.ratio();
}

void build_small_objects(benchmark::State& state) {
  run_build(state, small_objects(), true);
}

void build_text_objects(benchmark::State& state) {
  run_build(state, text_objects(), true);
}

void build_text_objects_raw(benchmark::State& state) {
  run_build(state, text_objects(), false);
}

// What building cannot be faster than: one thread that only compresses the same payloads.
void limit_zstd_of_text_objects(benchmark::State& state) {
  const Workload& workload = text_objects();
  Budget budget(64 << 20);
  auto compressor = Compressor::create(budget, 3);
  CHECK(compressor.has_value());
  std::vector<std::byte> out(Compressor::bound(8'000));
  for (auto _ : state) {
    for (std::size_t i = 0; i < workload.count(); ++i) {
      CHECK(compressor->compress(workload.object(i).payload, out).has_value());
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(workload.payload_bytes()));
}

// And one that only hashes as many bytes as such a pack has.
void limit_blake3_of_a_small_objects_pack(benchmark::State& state) {
  std::vector<std::byte> bytes(small_objects().payload_bytes() + 35 * small_objects().count());
  for (auto _ : state) benchmark::DoNotOptimize(blake3(bytes));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}

void smoke_build(benchmark::State& state) {
  run_build(state, few_objects(), true);
}

BENCHMARK(build_small_objects)->Unit(benchmark::kMillisecond);
BENCHMARK(limit_blake3_of_a_small_objects_pack)->Unit(benchmark::kMillisecond);
BENCHMARK(build_text_objects)->Unit(benchmark::kMillisecond);
BENCHMARK(build_text_objects_raw)->Unit(benchmark::kMillisecond);
BENCHMARK(limit_zstd_of_text_objects)->Unit(benchmark::kMillisecond);
BENCHMARK(smoke_build)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace bale
