// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// How fast packs are read, each beside what bounds it, on the same work and by turns. `ours/limit`
// is how many times as fast as the limit we are. Everything is warm; peers are in bench/, checks of
// whole packs in check_bench.cc.
//
//   open        10,000,000 records; no limit
//   find        an id of 10,000,000, one at a time and 64 at once: bisection of the same index
//   find_...    ids that share 24 bytes, and ids chosen to mislead: the same
//   get_raw     of 1,000,000 objects of 16 to 64 bytes, one at a time and 64 at once: find, one at
//   a
//               time, and touching the bytes
//   get_zstd    of 100,000 texts of 200 to 8,000 bytes: zstd on the same frames in the same order

#include "pack/read/read_bench.h"

#include <benchmark/benchmark.h>

#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "base/budget.h"
#include "base/known_id.h"
#include "codec/zstd.h"
#include "pack/read/record_search.h"

namespace bale {
namespace {

constexpr std::size_t kLookups = 100'000;

const BenchPack& many_objects() {
  static const BenchPack pack({.count = 10'000'000, .smallest_bytes = 0, .largest_bytes = 0});
  return pack;
}

// What everybody would write first: std::lower_bound on records of 41 bytes.
class Bisection {
 public:
  /// `records`: as they lie in an index.
  explicit Bisection(Bytes records)
      : first_(reinterpret_cast<const Record*>(records.data())),
        last_(first_ + records.size() / sizeof(Record)) {}

  [[nodiscard]] std::uint64_t find(const ObjectId& id) const {
    const std::byte* key = id.bytes().data();
    const Record* found =
        std::lower_bound(first_, last_, key, [](const Record& record, const std::byte* wanted) {
          return std::memcmp(record.data() + 1, wanted, 32) < 0;
        });
    CHECK(found != last_ && std::memcmp(found->data() + 1, key, 32) == 0);
    return load_be<std::uint64_t>(found->data() + 33);
  }

 private:
  using Record = std::array<std::byte, 41>;

  const Record* first_;
  const Record* last_;
};

Bytes records_of(const MappedFile& index, const PackReader& reader) {
  return index.bytes().subspan(16, reader.record_count() * 41);
}

void open_pack(benchmark::State& state) {
  const std::string path = many_objects().path();
  for (auto _ : state) benchmark::DoNotOptimize(must(PackReader::open(path)));
}

void run_find(benchmark::State& state, const BenchPack& pack) {
  const MappedFile index(pack.index_path());
  const Bisection bisection(records_of(index, pack.reader()));
  const std::vector<ObjectId> ids = pack.some_ids(kLookups);
  race(
      state, ids.size(),
      [&] {
        for (const ObjectId& id : ids) benchmark::DoNotOptimize(pack.reader().find(id));
      },
      [&] {
        for (const ObjectId& id : ids) benchmark::DoNotOptimize(bisection.find(id));
      });
}

void run_find_many(benchmark::State& state, const BenchPack& pack) {
  const MappedFile index(pack.index_path());
  const Bisection bisection(records_of(index, pack.reader()));
  const std::vector<ObjectId> ids = pack.some_ids(kLookups);
  std::array<std::optional<std::uint64_t>, 64> offsets;
  race(
      state, ids.size(),
      [&] {
        std::span<const ObjectId> left = ids;
        while (!left.empty()) {
          const std::size_t count = std::min(left.size(), offsets.size());
          pack.reader().find_many(left.first(count), std::span(offsets).first(count)).value();
          benchmark::DoNotOptimize(offsets);
          left = left.subspan(count);
        }
      },
      [&] {
        for (const ObjectId& id : ids) benchmark::DoNotOptimize(bisection.find(id));
      });
}

void find_of_many(benchmark::State& state) {
  run_find(state, many_objects());
}

void find_64_of_many(benchmark::State& state) {
  run_find_many(state, many_objects());
}

void find_of_a_million(benchmark::State& state) {
  run_find(state, small_objects());
}

void find_64_of_a_million(benchmark::State& state) {
  run_find_many(state, small_objects());
}

// Four million records in memory whose ids come from `key`, which writes 32 zero bytes over.
template <typename MakeKey>
void run_find_among(benchmark::State& state, const MakeKey& key) {
  using Record = std::array<std::byte, 41>;
  std::vector<Record> records(4'000'000);
  for (std::uint64_t i = 0; i < records.size(); ++i) key(i, records[i].data() + 1);
  std::sort(records.begin(), records.end());
  const Bytes area = std::as_bytes(std::span<const Record>(records));
  const RecordTable table(area, 41, 1, 32);
  const Bisection bisection(area);
  TestRandom random(3);
  std::vector<ObjectId> ids;
  for (std::size_t i = 0; i < kLookups; ++i) {
    const Record& record = records[random.below(records.size())];
    ids.push_back(known_id<ObjectId>(IdKind::kContentHash, Bytes(record).subspan(1, 32)));
  }
  race(
      state, ids.size(),
      [&] {
        for (const ObjectId& id : ids) benchmark::DoNotOptimize(table.find(id.bytes()));
      },
      [&] {
        for (const ObjectId& id : ids) benchmark::DoNotOptimize(bisection.find(id));
      });
}

void find_with_a_shared_prefix(benchmark::State& state) {
  run_find_among(state, [](std::uint64_t i, std::byte* id) { store_be(id + 24, i); });
}

// Each guess is far off: half of the ids lie in each next half of what is left.
void find_chosen_to_mislead(benchmark::State& state) {
  TestRandom random(4);
  run_find_among(state, [&](std::uint64_t i, std::byte* id) {
    store_be(id, (std::uint64_t{1} << (i % 64)) - 1);
    store_be(id + 8, random.next());
  });
}

void find_in_two_crowds(benchmark::State& state) {
  TestRandom random(5);
  run_find_among(state, [&](std::uint64_t i, std::byte* id) {
    store_be(id, i % 2 == 0 ? UINT64_MAX : std::uint64_t{0});
    store_be(id + 8, random.next());
  });
}

// Where the payloads of these objects lie.
std::vector<EntryInfo> infos_of(const BenchPack& pack, const std::vector<ObjectId>& ids) {
  ReadContext context;
  std::vector<EntryInfo> infos;
  infos.reserve(ids.size());
  for (const ObjectId& id : ids) infos.push_back(must(pack.reader().info(id, context)));
  return infos;
}

// Raw payloads are views: touch both ends, or nothing was read.
void touch(Bytes payload) {
  benchmark::DoNotOptimize(std::to_integer<int>(payload.front()) +
                           std::to_integer<int>(payload.back()));
}

void get_raw(benchmark::State& state) {
  const BenchPack& pack = small_objects();
  const MappedFile file(pack.path());
  const std::vector<ObjectId> ids = pack.some_ids(kLookups);
  ReadContext context;
  race(
      state, ids.size(),
      [&] {
        for (const ObjectId& id : ids) touch(must(pack.reader().get(id, context)).payload);
      },
      [&] {
        // A header of 35 bytes, then the payload of 16 or more.
        for (const ObjectId& id : ids) {
          touch(file.bytes().subspan(pack.reader().find(id).value_or(0), 35 + 16));
        }
      });
}

void get_64_raw(benchmark::State& state) {
  const BenchPack& pack = small_objects();
  const MappedFile file(pack.path());
  const std::vector<ObjectId> ids = pack.some_ids(kLookups);
  ReadContext context;
  race(
      state, ids.size(),
      [&] {
        must(pack.reader().get_many(
            ids, context, [](std::size_t, const Result<ObjectView>& object) -> Result<void> {
              touch(object->payload);
              return {};
            }));
      },
      [&] {
        for (const ObjectId& id : ids) {
          touch(file.bytes().subspan(pack.reader().find(id).value_or(0), 35 + 16));
        }
      });
}

void run_get_zstd(benchmark::State& state, const BenchPack& pack) {
  const MappedFile file(pack.path());
  const std::vector<ObjectId> ids = pack.some_ids(kLookups / 10);
  const std::vector<EntryInfo> infos = infos_of(pack, ids);
  ReadContext context;
  Budget budget(1 << 20);
  Decompressor decompressor = must(Decompressor::create(budget));
  std::vector<std::byte> out(8'000);
  race(
      state, ids.size(),
      [&] {
        for (const ObjectId& id : ids) touch(must(pack.reader().get(id, context)).payload);
      },
      [&] {
        for (const EntryInfo& info : infos) {
          const Bytes stored = stored_payload(file, info);
          if (info.stored_size == info.size) {
            touch(stored);
          } else {
            must(decompressor.decompress(stored, MutableBytes(out).first(info.size)));
            touch(out);
          }
        }
      });
}

void get_zstd(benchmark::State& state) {
  run_get_zstd(state, text_objects());
}

void smoke_find(benchmark::State& state) {
  run_find(state, few_objects());
}

void smoke_find_64(benchmark::State& state) {
  run_find_many(state, few_objects());
}

void smoke_get(benchmark::State& state) {
  run_get_zstd(state, few_objects());
}

BENCHMARK(open_pack)->Unit(benchmark::kMicrosecond);
BENCHMARK(find_of_many)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(find_64_of_many)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(find_of_a_million)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(find_64_of_a_million)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(find_with_a_shared_prefix)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(find_chosen_to_mislead)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(find_in_two_crowds)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(get_raw)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(get_64_raw)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(get_zstd)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(smoke_find)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(smoke_find_64)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(smoke_get)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace bale
