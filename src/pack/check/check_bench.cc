// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// How fast whole packs are checked and indexed, beside what bounds that, with 1 and 2 lanes; see
// read_bench.cc. The packs: 1,000,000 objects of 16 to 64 bytes, raw, and 100,000 texts of 200 to
// 8,000 bytes, compressed.
//
//   verify      BLAKE3 of the pack and zstd of its payloads, by as many threads as there are lanes
//   index       reading the pack and hashing it, by one thread

#include <benchmark/benchmark.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "bale/pack_verifier.h"
#include "base/budget.h"
#include "codec/zstd.h"
#include "hash/blake3.h"
#include "hash/blake_span.h"
#include "pack/read/read_bench.h"

namespace bale {
namespace {

PackCheckOptions check_options(std::size_t lanes) {
  PackCheckOptions options;
  options.work.sync = false;
  options.work.lanes = lanes;
  return options;
}

// Hashes the pack and decompresses its payloads, nothing else: as many threads as lanes, a MiB of
// the pack and the entries that begin in it at a time.
class VerifyLimit {
 public:
  VerifyLimit(const BenchPack& pack, std::size_t thread_count)
      : file_(pack.path()), thread_count_(thread_count) {
    ReadContext context;
    const PackReader& reader = pack.reader();
    for (std::uint64_t i = 0; i < reader.record_count(); ++i) {
      infos_.push_back(must(reader.info_at(must(reader.record(i)).offset, context)));
    }
    std::sort(infos_.begin(), infos_.end(),
              [](const EntryInfo& a, const EntryInfo& b) { return a.offset < b.offset; });
  }

  void run() const {
    std::atomic<std::size_t> next = 0;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < thread_count_; ++i) threads.emplace_back([&] { work(next); });
    for (std::thread& thread : threads) thread.join();
  }

 private:
  static constexpr std::size_t kPieceBytes = 1 << 20;

  void work(std::atomic<std::size_t>& next) const {
    Budget budget(1 << 20);
    Decompressor decompressor = must(Decompressor::create(budget));
    std::vector<std::byte> out(8'000);
    const Bytes bytes = file_.bytes();
    for (;;) {
      const std::size_t begin = next.fetch_add(1) * kPieceBytes;
      if (begin >= bytes.size()) return;
      const std::size_t end = std::min(bytes.size(), begin + kPieceBytes);
      benchmark::DoNotOptimize(BlakeSpan::of(begin, bytes.subspan(begin, end - begin)));
      auto info = std::lower_bound(
          infos_.begin(), infos_.end(), begin,
          [](const EntryInfo& entry, std::uint64_t offset) { return entry.offset < offset; });
      for (; info != infos_.end() && info->offset < end; ++info) {
        if (info->stored_size == info->size) continue;
        must(decompressor.decompress(stored_payload(file_, *info),
                                     MutableBytes(out).first(info->size)));
      }
    }
  }

  MappedFile file_;
  std::size_t thread_count_;
  std::vector<EntryInfo> infos_;
};

void run_verify(benchmark::State& state, const BenchPack& pack) {
  const auto lanes = static_cast<std::size_t>(state.range(0));
  const VerifyLimit limit(pack, lanes);
  race(
      state, pack.summary().objects,
      [&] { CHECK(must(verify_pack(pack.path(), check_options(lanes))).ok()); },
      [&] { limit.run(); });
}

void run_index(benchmark::State& state, const BenchPack& pack) {
  const auto lanes = static_cast<std::size_t>(state.range(0));
  const std::unique_ptr<File> file = must(posix_file_system().open(pack.path()));
  std::vector<std::byte> block(1 << 20);
  race(
      state, pack.summary().objects, [&] { must(make_index(pack.path(), check_options(lanes))); },
      [&] {
        Blake3Hasher hasher;
        std::uint64_t offset = 0;
        while (const std::size_t got = must(file->read_at(offset, block))) {
          hasher.update(Bytes(block).first(got));
          offset += got;
        }
        benchmark::DoNotOptimize(hasher.finish());
      });
}

void verify_text(benchmark::State& state) {
  run_verify(state, text_objects());
}

void verify_small(benchmark::State& state) {
  run_verify(state, small_objects());
}

void index_text(benchmark::State& state) {
  run_index(state, text_objects());
}

void index_small(benchmark::State& state) {
  run_index(state, small_objects());
}

void smoke_verify(benchmark::State& state) {
  run_verify(state, few_objects());
}

void smoke_index(benchmark::State& state) {
  run_index(state, few_objects());
}

BENCHMARK(verify_text)->Arg(1)->Arg(2)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(verify_small)->Arg(1)->Arg(2)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(index_text)->Arg(1)->Arg(2)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(index_small)->Arg(1)->Arg(2)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(smoke_verify)->Arg(1)->Arg(2)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(smoke_index)->Arg(1)->Arg(2)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace bale
