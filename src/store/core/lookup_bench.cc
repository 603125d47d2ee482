// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What a look-up by Git id costs in a store of many packs, with a catalog and without, beside
// the same objects in one pack. Ids are asked for in random order: all of them there ("lookup"), or
// none ("miss", what an import asks of objects that are new). Stores are made in the temporary
// directory: `packs` of `objects` each, and after the catalog was made `beside` more that hold a
// thousand each.

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
#include "base/known_id.h"
#include "store/core/catalog_builder.h"
#include "store/core/staged_pack.h"
#include "store/core/store_impl.h"
#include "testing/test_bytes.h"

namespace bale {
namespace {

namespace fs = std::filesystem;

GitOid numbered_oid(std::uint64_t number) {
  std::array<std::byte, 20> bytes{};
  TestRandom random(number);
  for (const std::size_t at : {std::size_t{0}, std::size_t{8}})
    store_be(bytes.data() + at, random.next());
  return known_id<GitOid>(GitHash::kSha1, bytes);
}

// Made once for each shape, removed in the end.
class BenchStore {
 public:
  BenchStore() : path_((fs::temp_directory_path() / "bale-lookup").string()) {
    fs::remove_all(path_);
    CHECK(Store::init(path_).has_value());
    store_ = std::make_unique<Store>(std::move(*Store::open(path_)));
  }

  void add_packs(std::int64_t packs, std::int64_t objects) {
    for (std::int64_t i = 0; i < packs; ++i) {
      auto staged = StagedPack::create(
          *store_, GitHash::kSha1,
          {.memory_bytes = 16 << 20, .lanes = 1, .sync = false, .operation = {}});
      CHECK(staged.has_value());
      for (std::int64_t j = 0; j < objects; ++j, ++count_) {
        const std::string payload = std::to_string(count_);
        CHECK((*staged)->add(numbered_oid(count_), ObjectType::kBlob, as_bytes(payload)));
      }
      CHECK((*staged)->install().has_value());
    }
    CHECK(store_->refresh().has_value());
  }

  BenchStore(const BenchStore&) = delete;
  BenchStore& operator=(const BenchStore&) = delete;

  ~BenchStore() { fs::remove_all(path_); }

  [[nodiscard]] Store& store() { return *store_; }

  /// How many objects there are: numbered_oid(0) and so on.
  [[nodiscard]] std::uint64_t count() const { return count_; }

  void write_catalog_now() {
    CHECK(write_catalog(store_->file_system(), layout_of(*store_), *packs_of(*store_),
                        {.sync = false, .operation = {}}));
    CHECK(store_->refresh().has_value());
  }

 private:
  std::string path_;
  std::unique_ptr<Store> store_;
  std::uint64_t count_ = 0;
};

void look_up(benchmark::State& state, bool there) {
  BenchStore bench;
  bench.add_packs(state.range(0), state.range(1));
  if (state.range(2) != 0) bench.write_catalog_now();
  if (state.range(3) != 0) bench.add_packs(state.range(3), 1000);
  TestRandom random(1);
  for (auto _ : state) {
    const std::uint64_t number = random.next() % bench.count();
    const auto found =
        bench.store().snapshot().find(numbered_oid(there ? number : bench.count() + number));
    CHECK(found.has_value() == there);
    benchmark::DoNotOptimize(found);
  }
  state.SetItemsProcessed(state.iterations());
}

void hit(benchmark::State& state) {
  look_up(state, true);
}

void miss(benchmark::State& state) {
  look_up(state, false);
}

void small(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"packs", "objects", "catalog", "beside"})
      ->Args({3, 10, 0, 0})
      ->Args({3, 10, 1, 1});
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"packs", "objects", "catalog", "beside"})
      ->Args({1, 1'000'000, 0, 0})
      ->Args({1, 1'000'000, 1, 0})
      ->Args({8, 125'000, 0, 0})
      ->Args({1000, 1000, 1, 0})
      ->Args({1000, 1000, 1, 8})
      ->Args({1000, 1000, 1, 32});
}

BENCHMARK(hit)->Name("smoke")->Apply(small);
BENCHMARK(hit)->Name("lookup")->Apply(shapes);
BENCHMARK(miss)->Name("miss")->Apply(shapes);

}  // namespace
}  // namespace bale
