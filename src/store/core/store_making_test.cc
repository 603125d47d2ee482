// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/store_making.h"

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "store/core/locks.h"
#include "testing/archive_fixture.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_fixture.h"
#include "testing/temp_directory.h"

namespace bale {
namespace {

TEST(StoreMakingTest, ManyAtOnceMakeOneStoreAndAllCanUseIt) {
  constexpr int kThreads = 20;
  for (int round = 0; round < 3; ++round) {
    const TempDirectory directory;
    const std::string path = directory / "store";
    std::atomic<int> made = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        Result<StoreInPlace> into = open_or_make_store(path, {});
        ASSERT_THAT(into, IsOk());
        made += into->made ? 1 : 0;
        if (i % 4 == 0) {
          // An import whose source is no good: it takes the store back if it is its own.
          static_cast<void>(take_back(std::move(*into)).has_value());
          return;
        }
        const std::string name = "a" + std::to_string(i) + "/x";
        ASSERT_OK_AND_ASSIGN(locks, lock_for_import(into->store, name, {}));
        ASSERT_THAT(grow_archive(into->store, name, i), IsOk());
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_OK_AND_ASSIGN(store, Store::open(path));
    ASSERT_OK_AND_ASSIGN(archives, store.snapshot().archives());
    EXPECT_EQ(archives.size(), 15u);
    EXPECT_GE(made, 1);
  }
}

TEST(StoreMakingTest, ManyInitsMakeOneStoreAndOneOfThemSaysSo) {
  const TempDirectory directory;
  std::atomic<int> made = 0;
  std::atomic<int> there = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 10; ++i) {
    threads.emplace_back([&] {
      const Result<void> result = Store::init(directory / "store");
      if (result) {
        ++made;
      } else {
        EXPECT_THAT(result, FailsWith(ErrorCode::kInvalidArgument, "there is a store already"));
        ++there;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(there, 9);
}

// What a process leaves that dies before the Nth call, with and without a power cut.
void expect_completed(const std::function<void(FileSystem&)>& prepare,
                      const std::function<void(FileSystem&)>& dies) {
  std::mt19937_64 random(1);
  int steps = 0;
  for (std::uint64_t n = 0;; ++n) {
    for (const bool power_cut : {false, true}) {
      MemoryFileSystem memory;
      prepare(memory);
      FaultyFileSystem files(memory);
      files.inject({.operation = n, .forever = true});
      dies(files);
      if (!files.fault_fired()) {
        EXPECT_GT(steps, 10);
        return;
      }
      ++steps;
      if (power_cut) memory.crash(random);
      ASSERT_OK_AND_ASSIGN(into, open_or_make_store("/store", {}, &memory));
      ASSERT_THAT(grow_archive(into.store, "a", 1), IsOk()) << n;
      ASSERT_OK_AND_ASSIGN(times, record_times(into.store, "a"));
      EXPECT_EQ(times.size(), 1u);
    }
  }
}

TEST(StoreMakingTest, AnInitThatWasCutOffIsCompletedByTheNext) {
  expect_completed(
      [](FileSystem&) {},
      [](FileSystem& files) { static_cast<void>(Store::init("/store", &files).has_value()); });
}

TEST(StoreMakingTest, ATakingBackThatWasCutOffHindersNobody) {
  expect_completed(
      [](FileSystem& files) {
        ASSERT_THAT(Store::init("/store", &files), IsOk());
        ASSERT_OK_AND_ASSIGN(store, Store::open("/store", &files));
        for (const std::string name : {"b", "b/c/d", "e"}) {
          ASSERT_THAT(lock_for_import(store, name, {}), IsOk());
        }
      },
      [](FileSystem& files) {
        static_cast<void>(Store::remove_empty("/store", &files).has_value());
      });
}

TEST(StoreMakingTest, AnEmptyStoreIsTakenBackWhole) {
  MemoryFileSystem files;
  {
    ASSERT_OK_AND_ASSIGN(into, open_or_make_store("/store", {}, &files));
    EXPECT_TRUE(into.made);
    ASSERT_THAT(lock_for_import(into.store, "b/c/d", {}), IsOk());
    EXPECT_THAT(Store::remove_empty("/store", &files),
                FailsWith(ErrorCode::kInvalidArgument, "in use"));
  }
  {
    ASSERT_OK_AND_ASSIGN(into, open_or_make_store("/store", {}, &files));
    EXPECT_FALSE(into.made);
  }
  ASSERT_THAT(Store::remove_empty("/store", &files), IsOk());
  EXPECT_THAT(files.stat("/store"), FailsWith(ErrorCode::kNotFound));
}

TEST(StoreMakingTest, TakingBackLeavesTheDirectoryThatWasThereBefore) {
  for (const bool was_there : {false, true}) {
    MemoryFileSystem files;
    if (was_there) {
      ASSERT_THAT(files.create_directory("/store"), IsOk());
    }
    ASSERT_OK_AND_ASSIGN(into, open_or_make_store("/store", {}, &files));
    EXPECT_TRUE(into.made);
    EXPECT_EQ(into.made_directory, !was_there);
    ASSERT_THAT(take_back(std::move(into)), IsOk());
    if (!was_there) {
      EXPECT_THAT(files.stat("/store"), FailsWith(ErrorCode::kNotFound));
      continue;
    }
    ASSERT_OK_AND_ASSIGN(left, names_in(files, "/store"));
    EXPECT_THAT(left, testing::IsEmpty());
  }
}

TEST(StoreMakingTest, TakingBackLeavesAStoreThatWasThereBefore) {
  MemoryFileSystem files;
  ASSERT_THAT(Store::init("/store", &files), IsOk());
  ASSERT_OK_AND_ASSIGN(into, open_or_make_store("/store", {}, &files));
  ASSERT_THAT(take_back(std::move(into)), IsOk());
  EXPECT_THAT(Store::open("/store", &files), IsOk());
}

TEST(StoreMakingTest, WhatHoldsAnythingIsNeitherMadeAStoreNorTakenBack) {
  for (const std::string name :
       {"file", "packs/a.pack", "archives/a", "archives/a@/b", "staging/x", "damaged/x", "lock"}) {
    SCOPED_TRACE(name);
    MemoryFileSystem files;
    ASSERT_THAT(files.create_directory("/store"), IsOk());
    for (const std::string directory : {"packs", "archives", "archives/a@", "staging", "damaged"}) {
      if (name.find(directory + "/") == std::string::npos) continue;
      ASSERT_THAT(files.create_directory("/store/" + directory), IsOk());
    }
    ASSERT_THAT(write_file(files, "/store/" + name, as_bytes("mine")), IsOk());
    EXPECT_THAT(open_or_make_store("/store", {}, &files),
                FailsWith(ErrorCode::kInvalidArgument, "not empty"));
    ASSERT_OK_AND_ASSIGN(left, names_in(files, "/store"));
    EXPECT_EQ(left.size(), 1u);
    EXPECT_THAT(Store::remove_empty("/store", &files), testing::Not(IsOk()));
    EXPECT_THAT(files.stat("/store/" + name), IsOk());
  }
  MemoryFileSystem files;
  ASSERT_OK_AND_ASSIGN(into, open_or_make_store("/store", {}, &files));
  into.hold.reset();
  ASSERT_THAT(grow_archive(into.store, "a/b", 1), IsOk());
  EXPECT_THAT(Store::remove_empty("/store", &files), FailsWith(ErrorCode::kInvalidArgument));
  ASSERT_OK_AND_ASSIGN(archives, into.store.snapshot().archives());
  EXPECT_EQ(archives.size(), 1u);
}

TEST(StoreMakingTest, WhereNoDirectoryCanBeItFailsAtOnce) {
  MemoryFileSystem files;
  ASSERT_THAT(write_file(files, "/file", as_bytes("mine")), IsOk());
  EXPECT_THAT(open_or_make_store("/file", {}, &files), FailsWith(ErrorCode::kIo));
  EXPECT_THAT(open_or_make_store("/file/store", {}, &files), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(open_or_make_store("/none/store", {}, &files), FailsWith(ErrorCode::kNotFound));
}

}  // namespace
}  // namespace bale
