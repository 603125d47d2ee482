// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Damage: in a small store with deltas, two kinds of Git id and a catalog, every byte of every file
// is changed, and every file is truncated at every length, lengthened, removed, and replaced by
// another of its kind. Each time everything is read and the store is verified:
//
// - a read gives the right bytes or an error;
// - verify names unreadable objects;
// - if verify finds nothing, all archives exist, and all objects that they reach are right;
// - repack, gc and repair keep all readable objects.
//
//   BALE_DAMAGE=1 trust_tests --gtest_filter='Damage*'     every bit, every length

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bale/store_collect.h"
#include "bale/store_repack.h"
#include "bale/store_repair.h"
#include "bale/store_statistics.h"
#include "bale/store_verifier.h"
#include "base/try.h"
#include "store/core/catalog_builder.h"
#include "store/core/store_impl.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_fixture.h"
#include "testing/small_archives.h"
#include "testing/small_history.h"
#include "trust_options.h"

namespace bale {
namespace {

constexpr const char* kStore = "/store";

const ArchiveVersions kArchives = {{"a", {3, 2}}, {"b256", {1}}};

Result<void> make_store(FileSystem& files) {
  TRY(Store::init(kStore, &files));
  Store store = TRY(Store::open(kStore, &files));
  TRY(import_small(store, "a", 2));
  TRY(import_small(store, "a", 3));
  TRY(import_small(store, "b256", 1));
  return write_catalog(files, layout_of(store), *packs_of(store), {.operation = {}});
}

enum class Kind : std::uint8_t { kFlip, kCut, kLonger, kGone, kSwapped };

struct Damage {
  Kind kind = Kind::kFlip;
  std::string path;
  std::uint64_t at = 0;    ///< the byte, or the length
  std::byte bits{0xff};    ///< that are flipped
  std::string other = {};  ///< whose content it gets

  [[nodiscard]] std::string name() const {
    static constexpr const char* kNames[] = {"flipped", "cut", "longer", "gone", "swapped"};
    return path + " " + kNames[static_cast<std::size_t>(kind)] + " at " + std::to_string(at);
  }
};

Result<void> inflict(const Damage& damage, FileSystem& files) {
  if (damage.kind == Kind::kGone) return files.remove_file(damage.path);
  ByteVector content = TRY(read_file(files, damage.path));
  switch (damage.kind) {
    case Kind::kFlip:
      content[damage.at] ^= damage.bits;
      break;
    case Kind::kCut:
      content.resize(damage.at);
      break;
    case Kind::kLonger:
      content.resize(content.size() + damage.at);
      break;
    default: {
      const ByteVector other = TRY(read_file(files, damage.other));
      TRY(write_file(files, damage.other, content));
      content = other;
    }
  }
  return write_file(files, damage.path, content);
}

std::string suffix_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::size_t dot = path.find('.', slash);
  return dot == std::string::npos ? path.substr(0, slash) : path.substr(dot);
}

// The outcome of one damage.
struct Outcome {
  bool all_there = false;  ///< everything could be read, and was right
  bool wrong = false;      ///< something was read and was not right
  std::string what;        ///< the first thing that was lost or wrong
  bool named = false;      ///< by verify, or the store did not open
};

void note(Outcome& outcome, const std::string& what) {
  if (outcome.what.empty()) outcome.what = what;
  outcome.all_there = false;
}

void read_history(const Snapshot& store, const SmallHistory& history, ReadContext& context,
                  Outcome& outcome) {
  for (const SmallObject& object : history.objects) {
    const auto location = store.find(object.oid);
    if (!location) {
      note(outcome, "not found: " + object.oid.to_hex());
      continue;
    }
    const Result<ObjectView> view = store.get(*location, context, object.oid);
    if (!view) {
      note(outcome, view.error().message);
    } else if (view->type != object.type || as_text(view->payload) != object.payload) {
      outcome.wrong = true;
      note(outcome, "wrong bytes of " + object.oid.to_hex());
    }
  }
}

// Reads archives with their records and all objects that these must reach.
void read_all(const Snapshot& store, Outcome& outcome) {
  ReadContext context;
  const Result<std::vector<std::string>> names = store.archives();
  if (!names) return note(outcome, names.error().message);
  for (const auto& [name, versions] : kArchives) {
    if (std::find(names->begin(), names->end(), name) == names->end()) {
      note(outcome, "no archive " + name);
    }
    for (std::uint64_t back = 0; back < versions.size(); ++back) {
      const SmallHistory& history = small_history(name, versions[back]);
      read_history(store, history, context, outcome);
      const Result<ArchiveRecord> record = store.record(name, back, context);
      if (!record) {
        note(outcome, record.error().message);
      } else if (record->record.archive != name || record->record.refs != history.refs) {
        outcome.wrong = true;
        note(outcome, "a wrong record of " + name);
      }
    }
  }
}

Outcome look_at(MemoryFileSystem& files) {
  Outcome outcome{.all_there = true};
  const Result<Store> store = Store::open(kStore, &files);
  if (!store) {
    outcome.named = true;
    note(outcome, store.error().message);
    return outcome;
  }
  read_all(*store, outcome);
  const Result<StoreReport> report =
      verify_store(*store, {.work = {.memory_bytes = smallest_verify_memory_bytes()}});
  outcome.named = !report || !report->ok() || !report->archives_without_file.empty();
  return outcome;
}

// The readable, correct objects; none of a store that cannot be opened.
std::set<GitOid> readable(MemoryFileSystem& files) {
  std::set<GitOid> oids;
  const Result<Store> store = Store::open(kStore, &files);
  if (!store) return oids;
  for (const auto& [name, versions] : kArchives) {
    for (const int version : versions) {
      for (const SmallObject& object : small_history(name, version).objects) {
        ReadContext context;  // without cached bases from another read
        const auto location = store->snapshot().find(object.oid);
        if (location && store->snapshot().get(*location, context, object.oid))
          oids.insert(object.oid);
      }
    }
  }
  return oids;
}

class DamageTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(make_store(base_), IsOk());
    ASSERT_OK_AND_ASSIGN(paths, files_below(base_, kStore));
    for (const std::string& path : paths) {
      ASSERT_OK_AND_ASSIGN(info, base_.stat(path));
      if (info.size > 0) sizes_[path] = info.size;  // locks are empty
    }
  }

  // Tries them on all processors.
  void try_all(const std::vector<Damage>& damages) {
    std::atomic<std::size_t> next = 0;
    std::atomic<std::uint64_t> lost = 0;
    std::atomic<std::uint64_t> clean = 0;
    const auto try_one = [&](const Damage& damage) {
      const std::unique_ptr<MemoryFileSystem> files = base_.snapshot();
      EXPECT_THAT(inflict(damage, *files), IsOk());
      const Outcome outcome = look_at(*files);
      EXPECT_FALSE(outcome.wrong) << damage.name() << ": " << outcome.what;
      clean += outcome.named ? 0 : 1;
      if (outcome.all_there) return;
      ++lost;
      if (outcome.named) return;
      ADD_FAILURE() << "not named: " << damage.name() << ": " << outcome.what;
    };
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i) {
      threads.emplace_back([&] {
        for (std::size_t n = next++; n < damages.size(); n = next++) try_one(damages[n]);
      });
    }
    for (std::thread& thread : threads) thread.join();
    std::printf(
        "damage: %zu cases, no wrong byte; in %llu something could not be read, and was named; "
        "%llu were found clean\n",
        damages.size(), as_printed(lost), as_printed(clean));
  }

  MemoryFileSystem base_;
  std::map<std::string, std::uint64_t> sizes_;
};

bool thorough() {
  return number_from_environment("BALE_DAMAGE", 0) != 0;
}

TEST_F(DamageTest, TheStoreHasDeltasAndACatalog) {
  ASSERT_OK_AND_ASSIGN(store, Store::open(kStore, &base_));
  ASSERT_OK_AND_ASSIGN(statistics, store_statistics(store, {.memory_bytes = 16 << 20}));
  EXPECT_GT(statistics.deltas, 0u);
  EXPECT_TRUE(sizes_.contains("/store/catalog"));
  const Outcome outcome = look_at(base_);
  EXPECT_TRUE(outcome.all_there) << outcome.what;
  EXPECT_FALSE(outcome.named);
}

TEST_F(DamageTest, WhateverByteIsChangedReadsAreRightAndLossesAreNamed) {
  std::vector<Damage> damages;
  for (const auto& [path, size] : sizes_) {
    for (std::uint64_t at = 0; at < size; at += kSlowBuild ? 13 : 1) {
      if (!thorough()) {
        damages.push_back({.kind = Kind::kFlip, .path = path, .at = at});
        continue;
      }
      for (int bit = 0; bit < 8; ++bit) {
        damages.push_back(
            {.kind = Kind::kFlip, .path = path, .at = at, .bits = std::byte{1} << bit});
      }
    }
  }
  try_all(damages);
}

TEST_F(DamageTest, WhereverAFileIsCutReadsAreRightAndLossesAreNamed) {
  std::vector<Damage> damages;
  for (const auto& [path, size] : sizes_) {
    const std::uint64_t step = thorough() || size < 100 ? 1 : 11;
    for (std::uint64_t at = 0; at < size; at += step) {
      damages.push_back({.kind = Kind::kCut, .path = path, .at = at});
    }
    for (const std::uint64_t more : {1u, 32u, 4096u}) {
      damages.push_back({.kind = Kind::kLonger, .path = path, .at = more});
    }
  }
  try_all(damages);
}

TEST_F(DamageTest, WhicheverFileIsGoneOrAnothersReadsAreRightAndLossesAreNamed) {
  std::vector<Damage> damages;
  for (const auto& [path, size] : sizes_) {
    damages.push_back({.kind = Kind::kGone, .path = path});
    for (const auto& [other, other_size] : sizes_) {
      if (path < other && suffix_of(path) == suffix_of(other)) {
        damages.push_back({.kind = Kind::kSwapped, .path = path, .other = other});
      }
    }
  }
  try_all(damages);
}

// Objects readable before are readable after, whatever the verb does about the damage.
TEST_F(DamageTest, MaintenanceOfADamagedStoreTakesNothingAway) {
  std::vector<Damage> damages;
  for (const auto& [path, size] : sizes_) {
    const std::uint64_t step = thorough() ? 1 : path.ends_with("/catalog") ? 5 : 67;
    for (std::uint64_t at = 0; at < size; at += kSlowBuild ? 11 * step : step) {
      damages.push_back({.kind = Kind::kFlip, .path = path, .at = at, .bits = std::byte{1}});
    }
  }
  using Verb = std::function<void(MemoryFileSystem&)>;
  const auto in_store = [](const std::function<void(Store&)>& use) -> Verb {
    return [use](MemoryFileSystem& files) {
      if (Result<Store> store = Store::open(kStore, &files)) use(*store);
    };
  };
  const std::vector<std::pair<std::string, Verb>> verbs = {
      {"repack", in_store([](Store& store) {
         static_cast<void>(
             repack_store(store, {.work = {.memory_bytes = 24 << 20, .lanes = 1, .operation = {}}})
                 .has_value());
       })},
      {"gc", in_store([](Store& store) {
         static_cast<void>(
             collect_store(store, {.work = {.memory_bytes = 32 << 20, .operation = {}}})
                 .has_value());
       })},
      {"repair", [](MemoryFileSystem& files) {
         static_cast<void>(
             repair_store(kStore, {.level = 1,
                                   .work = {.memory_bytes = smallest_repair_memory_bytes(1),
                                            .lanes = 1,
                                            .file_system = &files}})
                 .has_value());
       }}};
  std::uint64_t cases = 0;
  const std::set<GitOid> all = readable(base_);
  for (const Damage& damage : damages) {
    const std::unique_ptr<MemoryFileSystem> damaged = base_.snapshot();
    ASSERT_THAT(inflict(damage, *damaged), IsOk());
    // The catalog only repeats the indexes.
    const std::set<GitOid> before = damage.path.ends_with("/catalog") ? all : readable(*damaged);
    for (const auto& [name, run] : verbs) {
      const std::unique_ptr<MemoryFileSystem> files = damaged->snapshot();
      run(*files);
      // Damage to an index that the catalog hid becomes visible, and can be repaired.
      if (name != "repair") verbs.back().second(*files);
      const std::set<GitOid> after = readable(*files);
      for (const GitOid& oid : before) {
        EXPECT_TRUE(after.contains(oid)) << oid.to_hex() << ": " << name << ", " << damage.name();
      }
      ++cases;
    }
  }
  std::printf("damage: %llu times maintenance, nothing taken away\n", as_printed(cases));
}

// Everything if another store has it; otherwise everything outside packs.
TEST_F(DamageTest, RepairRestoresWhatCanBeRestored) {
  std::uint64_t cases = 0;
  std::uint64_t gone_back = 0;
  const auto mend = [&](const Damage& damage, ObjectSource* source) {
    SCOPED_TRACE(damage.name() + (source == nullptr ? " alone" : " from another store"));
    ++cases;
    const std::unique_ptr<MemoryFileSystem> files = base_.snapshot();
    ASSERT_THAT(inflict(damage, *files), IsOk());
    ASSERT_OK_AND_ASSIGN(
        summary, repair_store(kStore, {.from = source,
                                       .level = 1,
                                       .work = {.memory_bytes = smallest_repair_memory_bytes(1),
                                                .lanes = 1,
                                                .file_system = files.get()}}));
    const Outcome outcome = look_at(*files);
    // An archive whose newest record is lost reverts to the one before, and repair reports it.
    if (source == nullptr && damage.path.ends_with(".pack") &&
        (!summary.archives_recovered.empty() || !summary.archives_lost.empty())) {
      ++gone_back;
      return;
    }
    EXPECT_FALSE(outcome.wrong) << outcome.what;
    if (source != nullptr || !damage.path.ends_with(".pack")) {
      EXPECT_TRUE(outcome.all_there) << outcome.what;
      EXPECT_FALSE(outcome.named);
    }
    EXPECT_TRUE(outcome.all_there || outcome.named) << outcome.what;
  };
  const std::unique_ptr<MemoryFileSystem> whole = base_.snapshot();
  ASSERT_OK_AND_ASSIGN(source, open_store_source(kStore, whole.get()));
  for (const auto& [path, size] : sizes_) {
    const std::uint64_t step = thorough() || size < 100 ? 1 : kSlowBuild ? 307 : 61;
    for (std::uint64_t at = 0; at < size; at += step) {
      for (ObjectSource* const from : {source.get(), static_cast<ObjectSource*>(nullptr)}) {
        mend({.kind = Kind::kFlip, .path = path, .at = at}, from);
        mend({.kind = Kind::kCut, .path = path, .at = at}, from);
      }
    }
    mend({.kind = Kind::kGone, .path = path}, source.get());
    mend({.kind = Kind::kGone, .path = path}, nullptr);
  }
  std::printf("damage: %llu cases repaired, all restored that could be\n", as_printed(cases));
}

}  // namespace
}  // namespace bale
