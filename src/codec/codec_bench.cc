// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Speed of delta encoding and decoding, and of zstd as we call it, on seeded inputs. Bytes per
// second count the target (deltas) or the content (zstd).
//
// The delta benchmarks take a size: for each kind of data the rate must be about the same at 64 KiB
// and at 16 MiB (linear time, format trap 12), except for cache misses.

#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/budget.h"
#include "base/check.h"
#include "codec/delta.h"
#include "codec/delta_encoder.h"
#include "codec/zstd.h"
#include "testing/test_bytes.h"

namespace bale {
namespace {

using Vector = std::vector<std::byte>;

struct Pair {
  Vector base;
  Vector target;
};

// Successive versions of a text: an edit in every 4 KiB.
Pair text_versions(std::size_t size) {
  TestRandom random(1);
  Vector base = text_bytes(random, size);
  Vector target = edited(random, base, size / 4096 + 1);
  return {std::move(base), std::move(target)};
}

Pair unrelated_noise(std::size_t size) {
  TestRandom random(2);
  return {random_bytes(random, size), random_bytes(random, size)};
}

Pair unrelated_text(std::size_t size) {
  TestRandom random(3);
  Vector base = text_bytes(random, size);
  return {std::move(base), text_bytes(random, size)};
}

Pair zeros(std::size_t size) {
  return {Vector(size), Vector(size - 1)};
}

// Every fourth byte of the target differs within periods of the base: many near misses.
Pair periodic(std::size_t size) {
  Vector base(size);
  for (std::size_t at = 0; at < size; ++at) base[at] = static_cast<std::byte>(at % 24);
  Vector target = base;
  for (std::size_t at = 0; at < size; at += 100) target[at] ^= std::byte{0x80};
  return {std::move(base), std::move(target)};
}

using MakePair = Pair (*)(std::size_t size);

void set_rate(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * state.iterations());
}

void encode(benchmark::State& state, MakePair make_pair) {
  const Pair pair = make_pair(static_cast<std::size_t>(state.range(0)));
  Budget budget(std::uint64_t{1} << 30);
  Result<DeltaEncoder> encoder = DeltaEncoder::create(budget, pair.base.size());
  CHECK(encoder.has_value());
  Vector program(DeltaEncoder::bound(pair.target.size()));
  std::size_t length = 0;
  for (auto _ : state) {
    encoder->index(pair.base);
    length = encoder->encode(pair.target, program).value_or(0);
    benchmark::DoNotOptimize(program.data());
  }
  set_rate(state, pair.target.size());
  state.counters["program_bytes"] = static_cast<double>(length);
}

// Only the index, to compare with encode().
void index_only(benchmark::State& state, MakePair make_pair) {
  const Pair pair = make_pair(static_cast<std::size_t>(state.range(0)));
  Budget budget(std::uint64_t{1} << 30);
  Result<DeltaEncoder> encoder = DeltaEncoder::create(budget, pair.base.size());
  CHECK(encoder.has_value());
  for (auto _ : state) encoder->index(pair.base);
  set_rate(state, pair.base.size());
}

void apply(benchmark::State& state, MakePair make_pair) {
  const Pair pair = make_pair(static_cast<std::size_t>(state.range(0)));
  Budget budget(std::uint64_t{1} << 30);
  Result<DeltaEncoder> encoder = DeltaEncoder::create(budget, pair.base.size());
  CHECK(encoder.has_value());
  encoder->index(pair.base);
  Vector program(DeltaEncoder::bound(pair.target.size()));
  program.resize(encoder->encode(pair.target, program).value_or(0));
  Vector out(pair.target.size());
  for (auto _ : state) {
    CHECK(apply_delta(pair.base, program, out).has_value());
    benchmark::DoNotOptimize(out.data());
  }
  set_rate(state, out.size());
}

// The upper limit of apply().
void copy(benchmark::State& state) {
  const Vector from(static_cast<std::size_t>(state.range(0)));
  Vector to(from.size());
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), from.size());
    benchmark::DoNotOptimize(to.data());
  }
  set_rate(state, from.size());
}

void compress(benchmark::State& state) {
  TestRandom random(4);
  const Vector text = text_bytes(random, static_cast<std::size_t>(state.range(1)));
  Budget budget(std::uint64_t{1} << 30);
  Result<Compressor> compressor = Compressor::create(budget, static_cast<int>(state.range(0)));
  CHECK(compressor.has_value());
  Vector out(Compressor::bound(text.size()));
  for (auto _ : state) {
    CHECK(compressor->compress(text, out).has_value());
    benchmark::DoNotOptimize(out.data());
  }
  set_rate(state, text.size());
}

// The same frame at once (0) and as a stream (1).
void decompress(benchmark::State& state) {
  TestRandom random(5);
  const Vector text = text_bytes(random, static_cast<std::size_t>(state.range(1)));
  Budget budget(std::uint64_t{1} << 30);
  Result<Compressor> compressor = Compressor::create(budget, 3);
  Result<Decompressor> decompressor = Decompressor::create(budget);
  CHECK(compressor.has_value() && decompressor.has_value());
  Vector stored(Compressor::bound(text.size()));
  stored.resize(compressor->compress(text, stored).value());
  Vector out(text.size());
  for (auto _ : state) {
    if (state.range(0) == 0) {
      CHECK(decompressor->decompress(stored, out).has_value());
    } else {
      StreamDecompressor stream(budget, text.size());
      const auto sink = [](Bytes content) -> Result<void> {
        benchmark::DoNotOptimize(content.data());
        return {};
      };
      CHECK(stream.feed(stored, sink).has_value() && stream.finish().has_value());
    }
    benchmark::DoNotOptimize(out.data());
  }
  set_rate(state, text.size());
}

constexpr std::int64_t kSmall = 64 << 10;
constexpr std::int64_t kLarge = 16 << 20;

BENCHMARK_CAPTURE(encode, smoke, text_versions)->Arg(10'000);
BENCHMARK_CAPTURE(encode, text_versions, text_versions)->Arg(kSmall)->Arg(1 << 20)->Arg(kLarge);
BENCHMARK_CAPTURE(encode, unrelated_text, unrelated_text)->Arg(kSmall)->Arg(1 << 20)->Arg(kLarge);
BENCHMARK_CAPTURE(encode, unrelated_noise, unrelated_noise)->Arg(kSmall)->Arg(kLarge);
BENCHMARK_CAPTURE(encode, zeros, zeros)->Arg(kSmall)->Arg(kLarge);
BENCHMARK_CAPTURE(encode, periodic, periodic)->Arg(kSmall)->Arg(kLarge);
BENCHMARK_CAPTURE(index_only, text_versions, text_versions)->Arg(kSmall)->Arg(kLarge);
BENCHMARK_CAPTURE(apply, text_versions, text_versions)->Arg(kSmall)->Arg(1 << 20);
BENCHMARK(copy)->Arg(kSmall)->Arg(1 << 20);
BENCHMARK(compress)->Args({3, 1 << 20})->Args({3, 10'000})->Args({3, 300})->Args({9, 1 << 20});
BENCHMARK(decompress)->Args({0, 1 << 20})->Args({1, 1 << 20})->Args({0, 10'000})->Args({1, 10'000});

}  // namespace
}  // namespace bale
