// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The cost of hashing: BlakeTree against the official hasher on streams of pieces of one size; the
// tree's own and the other threads' part if pieces are spans; our one-shot typed hash against the
// official hasher fed in two pieces, and Git's hashes. ctest only checks that the smoke benchmarks
// run.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "hash/blake3.h"
#include "hash/blake_span.h"
#include "hash/blake_tree.h"
#include "hash/git_hash.h"

namespace bale {
namespace {

// 8 MiB: more than a core's own caches, like a pack just written. Made before main, so that no
// measurement includes it.
const std::vector<std::byte>& input() {
  static const std::vector<std::byte> kBytes = [] {
    std::mt19937_64 random(1);
    std::vector<std::byte> filled(8 << 20);
    for (std::byte& byte : filled) byte = static_cast<std::byte>(random());
    return filled;
  }();
  return kBytes;
}

[[maybe_unused]] const std::byte* const kInputIsMade = input().data();

template <typename Hasher>
void feed(Hasher& hasher, std::size_t piece_bytes) {
  for (Bytes rest = input(); !rest.empty();) {
    const std::size_t size = std::min(piece_bytes, rest.size());
    hasher.update(rest.first(size));
    rest = rest.subspan(size);
  }
}

void count_bytes(benchmark::State& state, std::size_t bytes_a_round) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes_a_round));
}

void stream_official(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) {
    Blake3Hasher hasher;
    feed(hasher, static_cast<std::size_t>(state.range(0)));
    benchmark::DoNotOptimize(hasher.finish());
  }
  count_bytes(state, input().size());
}

// 16 bytes first, as in a pack, so that no piece begins or ends at a chunk's edge.
void stream_official_after_header(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) {
    Blake3Hasher hasher;
    hasher.update(Bytes(input()).first(16));
    feed(hasher, static_cast<std::size_t>(state.range(0)));
    benchmark::DoNotOptimize(hasher.finish());
  }
  count_bytes(state, input().size());
}

void stream_tree(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) {
    BlakeTree tree;
    feed(tree, static_cast<std::size_t>(state.range(0)));
    benchmark::DoNotOptimize(tree.finish());
  }
  count_bytes(state, input().size());
}

void stream_tree_with_hole(benchmark::State& state) {
  const Bytes count = Bytes(input()).first(8);
  for ([[maybe_unused]] auto _ : state) {
    BlakeTree tree;
    tree.update(count);
    const Hole hole = tree.reserve(8);
    feed(tree, static_cast<std::size_t>(state.range(0)));
    tree.fill(hole, count);
    benchmark::DoNotOptimize(tree.finish());
  }
  count_bytes(state, input().size());
}

// The tree's own thread, if others hash the pieces.
void stream_tree_of_spans(benchmark::State& state) {
  const auto piece_bytes = static_cast<std::size_t>(state.range(0));
  std::vector<BlakeSpan> spans;
  for (std::size_t at = 0; at < input().size(); at += piece_bytes) {
    spans.push_back(BlakeSpan::of(16 + at, Bytes(input()).subspan(at, piece_bytes)));
  }
  for ([[maybe_unused]] auto _ : state) {
    BlakeTree tree;
    tree.update(Bytes(input()).first(16));
    for (const BlakeSpan& span : spans) {
      tree.update(Bytes(input()).subspan(span.stream_offset() - 16, span.size_bytes()), span);
    }
    benchmark::DoNotOptimize(tree.finish());
  }
  count_bytes(state, input().size());
}

// The other threads.
void make_spans(benchmark::State& state) {
  const auto piece_bytes = static_cast<std::size_t>(state.range(0));
  for ([[maybe_unused]] auto _ : state) {
    for (std::size_t at = 0; at < input().size(); at += piece_bytes) {
      benchmark::DoNotOptimize(
          BlakeSpan::of(16 + at, Bytes(input()).subspan(at, piece_bytes)).size_bytes());
    }
  }
  count_bytes(state, input().size());
}

void stream_sizes(benchmark::internal::Benchmark* benchmark) {
  for (const std::int64_t size : {64, 300, 4096, 65536, 1 << 20}) benchmark->Arg(size);
}

BENCHMARK(stream_official)->Apply(stream_sizes);
BENCHMARK(stream_official_after_header)->Apply(stream_sizes);
BENCHMARK(stream_tree)->Apply(stream_sizes);
BENCHMARK(stream_tree_with_hole)->Apply(stream_sizes);
BENCHMARK(stream_tree_of_spans)->Arg(65536)->Arg(1 << 18)->Arg(1 << 20);
BENCHMARK(make_spans)->Arg(65536)->Arg(1 << 18)->Arg(1 << 20);

void typed_official(benchmark::State& state) {
  const Bytes payload = Bytes(input()).first(static_cast<std::size_t>(state.range(0)));
  for ([[maybe_unused]] auto _ : state) {
    TypedHasher hasher(ObjectType::kBlob, payload.size());
    hasher.update(payload);
    benchmark::DoNotOptimize(hasher.content_hash());
  }
  count_bytes(state, payload.size());
}

void typed_one_shot(benchmark::State& state) {
  const Bytes payload = Bytes(input()).first(static_cast<std::size_t>(state.range(0)));
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(content_hash(ObjectType::kBlob, payload));
  }
  count_bytes(state, payload.size());
}

void object_sizes(benchmark::internal::Benchmark* benchmark) {
  for (const std::int64_t size : {30, 300, 2500, 12'000, 60'000, 1 << 20}) benchmark->Arg(size);
}

BENCHMARK(typed_official)->Apply(object_sizes);
BENCHMARK(typed_one_shot)->Apply(object_sizes);

void git_ids(benchmark::State& state, GitHash hash) {
  const Bytes payload = Bytes(input()).first(static_cast<std::size_t>(state.range(0)));
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(git_oid(hash, ObjectType::kBlob, payload));
  }
  count_bytes(state, payload.size());
}

BENCHMARK_CAPTURE(git_ids, sha1, GitHash::kSha1)->Arg(300)->Arg(12'000);
BENCHMARK_CAPTURE(git_ids, sha256, GitHash::kSha256)->Arg(300)->Arg(12'000);

BENCHMARK(stream_tree_with_hole)->Name("smoke_stream_tree_with_hole")->Arg(65536)->Iterations(1);
BENCHMARK(typed_one_shot)->Name("smoke_typed_one_shot")->Arg(2500)->Iterations(1);
BENCHMARK_CAPTURE(git_ids, sha1, GitHash::kSha1)->Name("smoke_git_ids")->Arg(300)->Iterations(1);

}  // namespace
}  // namespace bale
