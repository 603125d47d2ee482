// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What a look-up by Git id costs in a store of many packs, with a catalog and without, beside
// the same objects in one pack. Ids are asked for in random order, each of them there. Stores are
// made in the temporary directory: `packs` of `objects` each.

#include <benchmark/benchmark.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bale/store.h"
#include "base/check.h"
#include "base/endian.h"
#include "codec/test_bytes.h"
#include "store/catalog_builder.h"
#include "store/staged_pack.h"
#include "store/store_impl.h"

namespace bale {
namespace {

namespace fs = std::filesystem;

GitOid numbered_oid(std::uint64_t number) {
  std::array<std::byte, 20> bytes{};
  TestRandom random(number);
  for (const std::size_t at : {std::size_t{0}, std::size_t{8}})
    store_be(bytes.data() + at, random.next());
  return {GitHash::kSha1, bytes};
}

// Made once for each shape, removed in the end.
class BenchStore {
 public:
  BenchStore(std::int64_t packs, std::int64_t objects)
      : path_((fs::temp_directory_path() / ("bale-lookup-" + std::to_string(packs))).string()) {
    fs::remove_all(path_);
    CHECK(Store::init(path_).has_value());
    store_ = std::make_unique<Store>(std::move(*Store::open(path_)));
    std::uint64_t number = 0;
    for (std::int64_t i = 0; i < packs; ++i) {
      auto staged = StagedPack::create(
          *store_, GitHash::kSha1,
          {.memory_bytes = 16 << 20, .lanes = 1, .sync = false, .operation = {}});
      CHECK(staged.has_value());
      for (std::int64_t j = 0; j < objects; ++j, ++number) {
        const std::string payload = std::to_string(number);
        CHECK((*staged)->add(numbered_oid(number), ObjectType::kBlob, as_bytes(payload)));
      }
      CHECK((*staged)->install().has_value());
    }
    CHECK(store_->refresh().has_value());
  }

  BenchStore(const BenchStore&) = delete;
  BenchStore& operator=(const BenchStore&) = delete;

  ~BenchStore() { fs::remove_all(path_); }

  [[nodiscard]] Store& store() { return *store_; }

  void write_catalog_now() {
    CHECK(write_catalog(store_->file_system(), store_->impl().layout(), *store_->impl().packs(),
                        {.sync = false, .operation = {}}));
    CHECK(store_->refresh().has_value());
  }

 private:
  std::string path_;
  std::unique_ptr<Store> store_;
};

void look_up(benchmark::State& state, Store& store, std::uint64_t count) {
  TestRandom random(1);
  for (auto _ : state) {
    const GitOid oid = numbered_oid(random.next() % count);
    const auto found = store.find(oid);
    CHECK(found.has_value());
    benchmark::DoNotOptimize(found);
  }
  state.SetItemsProcessed(state.iterations());
}

void run(benchmark::State& state) {
  const std::int64_t packs = state.range(0);
  const std::int64_t objects = state.range(1);
  BenchStore bench(packs, objects);
  if (state.range(2) != 0) bench.write_catalog_now();
  look_up(state, bench.store(), static_cast<std::uint64_t>(packs * objects));
}

void names(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"packs", "objects", "catalog"});
}

BENCHMARK(run)->Name("smoke")->Apply(names)->Args({3, 10, 0})->Args({3, 10, 1});
BENCHMARK(run)
    ->Name("lookup")
    ->Apply(names)
    ->Args({1, 1'000'000, 0})
    ->Args({1, 1'000'000, 1})
    ->Args({8, 125'000, 0})
    ->Args({1000, 1000, 1});

}  // namespace
}  // namespace bale
