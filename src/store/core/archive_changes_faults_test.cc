// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Removing and pruning, whatever the file system does to them: the archive is as it was, or as it
// shall be, and can be read; and what was said to be done is done after a power cut.

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "bale/archive_changes.h"
#include "base/try.h"
#include "testing/archive_fixture.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"

namespace bale {
namespace {

using Times = std::vector<std::int64_t>;

const Times kBefore = {3, 2, 1};

struct Change {
  std::string name;
  std::function<Result<void>(Store&)> make;
  Times after;  ///< the times of the archive's records, once it is made
  std::function<Result<void>(Store&)> prepare = [](Store&) { return Result<void>(); };
  Times before = kBefore;
};

Result<void> undo(Store& store) {
  TRY(undo_archive_change(store, "x"));
  return {};
}

Change removal() {
  return {"Removal",
          [](Store& store) -> Result<void> {
            TRY(remove_archive(store, "x"));
            return {};
          },
          {}};
}

Change pruning() {
  return {"Pruning",
          [](Store& store) -> Result<void> {
            TRY(prune_archive(store, "x", 2));
            return {};
          },
          {3, 2}};
}

Change undoing_a_removal() {
  return {"UndoingARemoval", undo, kBefore, removal().make, {}};
}

Change undoing_a_pruning() {
  return {"UndoingAPruning",
          undo,
          {9, 3, 2, 1},
          [](Store& store) -> Result<void> {
            TRY(prune_archive(store, "x", 1));
            TRY(grow_archive(store, "x", 9));
            return {};
          },
          {9, 3}};
}

// A store with an archive of three records, and what comes before the change.
Result<void> make_store(FileSystem& files, const Change& change) {
  TRY(Store::init("/store", &files));
  Store store = TRY(Store::open("/store", &files));
  for (const std::int64_t time : {1, 2, 3}) TRY(grow_archive(store, "x", time));
  return change.prepare(store);
}

Result<Times> times_in(FileSystem& files) {
  const Store store = TRY(Store::open("/store", &files));
  return record_times(store, "x");
}

class ArchiveChangesFaultsTest : public testing::TestWithParam<Change> {};

TEST_P(ArchiveChangesFaultsTest, WhicheverCallFailsTheArchiveIsAsItWasOrAsItShallBe) {
  const Change& change = GetParam();
  bool done = false;
  std::uint64_t failures = 0;
  for (std::uint64_t n = 0; !done; ++n) {
    MemoryFileSystem memory;
    ASSERT_THAT(make_store(memory, change), IsOk());
    FaultyFileSystem files(memory);
    {
      ASSERT_OK_AND_ASSIGN(store, Store::open("/store", &files));
      files.inject({.operation = n, .tears_writes = n % 2 == 0});
      const Result<void> made = change.make(store);
      done = !files.fault_fired();
      if (done) {
        ASSERT_THAT(made, IsOk());
      }
      if (made) {
        ASSERT_OK_AND_ASSIGN(times, times_in(memory));
        EXPECT_EQ(times, change.after) << n;
      } else {
        ++failures;
      }
    }
    ASSERT_OK_AND_ASSIGN(times, times_in(memory));
    EXPECT_TRUE(times == change.before || times == change.after) << n;
    // It can be made again, or was made; and an import finds no obstacle.
    ASSERT_OK_AND_ASSIGN(store, Store::open("/store", &memory));
    if (times == change.before) {
      ASSERT_THAT(change.make(store), IsOk()) << n;
    }
    ASSERT_THAT(grow_archive(store, "x", 4), IsOk()) << n;
    Times grown = change.after;
    grown.insert(grown.begin(), 4);
    ASSERT_OK_AND_ASSIGN(after, times_in(memory));
    EXPECT_EQ(after, grown) << n;
    ASSERT_OK_AND_ASSIGN(left, memory.list("/store/staging"));
    EXPECT_TRUE(left.empty()) << n;
  }
  EXPECT_GT(failures, 20u);
}

TEST_P(ArchiveChangesFaultsTest, APowerCutKeepsWhatWasSaidToBeDone) {
  const Change& change = GetParam();
  for (const auto mode :
       {MemoryFileSystem::CrashMode::kDropUnsynced, MemoryFileSystem::CrashMode::kKeepAll}) {
    MemoryFileSystem memory;
    ASSERT_THAT(make_store(memory, change), IsOk());
    {
      ASSERT_OK_AND_ASSIGN(store, Store::open("/store", &memory));
      ASSERT_THAT(change.make(store), IsOk());
    }
    memory.crash(mode);
    ASSERT_OK_AND_ASSIGN(times, times_in(memory));
    EXPECT_EQ(times, change.after);
  }
}

TEST_P(ArchiveChangesFaultsTest, APowerCutAtAnyMomentLeavesAnArchiveThatCanBeRead) {
  const Change& change = GetParam();
  std::mt19937_64 random(1);
  int made = 0;
  int kept = 0;
  for (std::uint64_t n = 0; n < 240; n += 3) {
    MemoryFileSystem memory;
    ASSERT_THAT(make_store(memory, change), IsOk());
    FaultyFileSystem files(memory);
    bool acknowledged = false;
    {
      ASSERT_OK_AND_ASSIGN(store, Store::open("/store", &files));
      // The disk is gone from some call on, and then the power.
      files.inject({.operation = n, .forever = true});
      acknowledged = change.make(store).has_value();
    }
    memory.crash(random);
    ASSERT_OK_AND_ASSIGN(times, times_in(memory));
    EXPECT_TRUE(times == change.after || (!acknowledged && times == change.before)) << n;
    (times == change.before ? kept : made) += 1;
  }
  EXPECT_GT(made, 0);
  EXPECT_GT(kept, 0);
}

INSTANTIATE_TEST_SUITE_P(Changes, ArchiveChangesFaultsTest,
                         testing::Values(removal(), pruning(), undoing_a_removal(),
                                         undoing_a_pruning()),
                         [](const auto& change) { return change.param.name; });

}  // namespace
}  // namespace bale
