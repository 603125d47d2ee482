// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Archives whose names have parts with a '/' between them: their files, and that no name is a path
// prefix of another.

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "bale/archive_changes.h"
#include "bale/store_repair.h"
#include "bale/store_verifier.h"
#include "base/try.h"
#include "store/core/layout.h"
#include "store/core/locks.h"
#include "testing/archive_fixture.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_fixture.h"
#include "testing/small_archives.h"

namespace bale {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kRepo = "github.com/owner/repo";

class ArchiveNamesTest : public testing::Test {
 protected:
  Result<void> import(const std::string& name) {
    const ImportLocks locks = TRY(lock_for_import(store_, name, {}));
    TRY(grow_archive(store_, name, 1));
    return {};
  }

  std::vector<std::string> archives() {
    const Result<std::vector<std::string>> names = store_.snapshot().archives();
    return names ? *names : std::vector<std::string>{"(none could be read)"};
  }

  MemoryFileSystem files_;
  Store store_ = made_store(files_);
};

TEST(ArchiveLayoutTest, DirectoriesOfNamesEndInWhatNoNameHolds) {
  const StoreLayout layout{"/s"};
  EXPECT_EQ(layout.archive("a"), "/s/archives/a");
  EXPECT_EQ(layout.archive_lock("a"), "/s/archives/.a.lock");
  EXPECT_EQ(layout.archive("a/b/c"), "/s/archives/a@/b@/c");
  EXPECT_EQ(layout.archive_lock("a/b/c"), "/s/archives/a@/b@/.c.lock");
  EXPECT_EQ(layout.new_archive("a/b"), "/s/archives/a@/.b.new");
  EXPECT_THAT(layout.archive_directories("a"), IsEmpty());
  EXPECT_THAT(layout.archive_directories("a/b/c"),
              ElementsAre("/s/archives/a@", "/s/archives/a@/b@"));
}

TEST_F(ArchiveNamesTest, NamesOfPartsAreListedSortedAndLeadToTheirRecords) {
  for (const std::string name :
       {kRepo, "github.com/owner/app", "github.com/z", "linux", "a-b/c", "a/c", "a.b"}) {
    ASSERT_THAT(import(name), IsOk()) << name;
  }
  EXPECT_THAT(archives(), ElementsAre("a-b/c", "a.b", "a/c", "github.com/owner/app", kRepo,
                                      "github.com/z", "linux"));
  ASSERT_OK_AND_ASSIGN(times, record_times(store_, kRepo));
  EXPECT_EQ(times.size(), 1u);
  const std::string longest = std::string(100, 'x') + "/" + std::string(99, 'y');
  ASSERT_THAT(import(longest), IsOk());
  EXPECT_EQ(archives().back(), longest);
  ASSERT_OK_AND_ASSIGN(report, verify_store(store_, {}));
  EXPECT_TRUE(report.ok());
  EXPECT_THAT(report.debris, IsEmpty());
}

TEST_F(ArchiveNamesTest, NoNameIsAPathPrefixOfAnother) {
  ASSERT_THAT(import("a/b"), IsOk());
  ASSERT_THAT(import("c"), IsOk());
  EXPECT_THAT(import("a"), FailsWith(ErrorCode::kInvalidArgument, "beside the archive a/b"));
  EXPECT_THAT(import("a/b/c"), FailsWith(ErrorCode::kInvalidArgument, "beside the archive a/b"));
  EXPECT_THAT(import("c/d/e"), FailsWith(ErrorCode::kInvalidArgument, "beside the archive c"));
  ASSERT_THAT(import("a/bc"), IsOk());
  ASSERT_THAT(import("ab"), IsOk());
  ASSERT_THAT(import("a/b"), IsOk());  // it is there itself
  EXPECT_THAT(archives(), ElementsAre("a/b", "a/bc", "ab", "c"));
}

TEST_F(ArchiveNamesTest, ARemovedArchiveIsNotInTheWay) {
  ASSERT_THAT(import("a"), IsOk());
  ASSERT_THAT(remove_archive(store_, "a"), IsOk());
  ASSERT_THAT(import("a/b"), IsOk());
  ASSERT_THAT(remove_archive(store_, "a/b"), IsOk());
  ASSERT_THAT(import("a"), IsOk());
  EXPECT_THAT(archives(), ElementsAre("a"));
  ASSERT_OK_AND_ASSIGN(pointers, store_.snapshot().archive_pointers());
  EXPECT_THAT(pointers, ElementsAre("a", "a/b"));
}

TEST_F(ArchiveNamesTest, OfTwoThatStartAtTheSameMomentOneIsRefused) {
  std::atomic<bool> cancel = false;
  const Operation impatient{.report = [&](const Progress&) { cancel = true; }, .cancel = &cancel};
  {
    ASSERT_OK_AND_ASSIGN(below, lock_for_import(store_, "a/b", {}));
    ASSERT_OK_AND_ASSIGN(beside, lock_for_import(store_, "a/c", impatient));
    EXPECT_THAT(lock_for_import(store_, "a", impatient), FailsWith(ErrorCode::kInterrupted));
    cancel = false;
    ASSERT_THAT(grow_archive(store_, "a/b", 1), IsOk());
  }
  EXPECT_THAT(lock_for_import(store_, "a", impatient), FailsWith(ErrorCode::kInvalidArgument));
  {
    ASSERT_OK_AND_ASSIGN(above, lock_for_import(store_, "d", {}));
    EXPECT_THAT(lock_for_import(store_, "d/e/f", impatient), FailsWith(ErrorCode::kInterrupted));
    cancel = false;
    ASSERT_THAT(grow_archive(store_, "d", 1), IsOk());
  }
  EXPECT_THAT(lock_for_import(store_, "d/e/f", impatient), FailsWith(ErrorCode::kInvalidArgument));

  for (int round = 0; round < 10; ++round) {
    const std::string name = "r" + std::to_string(round);
    std::atomic<int> made = 0;
    std::vector<std::thread> threads;
    for (const std::string suffix : {"", "/x", "/x/y"}) {
      threads.emplace_back([&, suffix] {
        Store store = std::move(Store::open("/store", &files_)).value();
        const Result<ImportLocks> locks = lock_for_import(store, name + suffix, {});
        if (!locks) return;
        ASSERT_THAT(grow_archive(store, name + suffix, 1), IsOk());
        ++made;
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(made, 1) << round;
  }
}

TEST_F(ArchiveNamesTest, WithoutTheirFilesTheyAreFoundAndRepaired) {
  for (const std::string name : {kRepo, "a", "a-b"}) ASSERT_THAT(import(name), IsOk());
  ASSERT_THAT(remove_archive(store_, "a"), IsOk());
  ASSERT_THAT(import("a/b/c"), IsOk());
  const std::vector<std::string> before = archives();
  // One pointer is damaged, and in the way of another's directory is a file.
  ASSERT_THAT(write_file(files_, StoreLayout{"/store"}.archive(kRepo), as_bytes("?")), IsOk());
  ASSERT_THAT(files_.rename("/store/archives/a@", "/store/archives/moved"), IsOk());
  ASSERT_THAT(write_file(files_, "/store/archives/a@", as_bytes("in the way")), IsOk());
  ASSERT_OK_AND_ASSIGN(report, verify_store(store_, {}));
  ASSERT_EQ(report.archives_without_file.size(), 1u);
  EXPECT_EQ(report.archives_without_file[0].name, "a/b/c");
  EXPECT_FALSE(report.ok());
  ASSERT_OK_AND_ASSIGN(
      repaired, repair_store("/store", {.work = {.memory_bytes = smallest_repair_memory_bytes(),
                                                 .file_system = &files_}}));
  EXPECT_THAT(repaired.archives_recovered, ElementsAre("a/b/c", kRepo));
  EXPECT_EQ(archives(), before);
  ASSERT_OK_AND_ASSIGN(damaged, names_in(files_, "/store/damaged"));
  EXPECT_THAT(damaged, ElementsAre("a@b@c", "github.com@owner@repo"));

  // All of archives/ is gone.
  ASSERT_THAT(files_.rename("/store/archives", "/gone"), IsOk());
  ASSERT_THAT(repair_store("/store", {.work = {.memory_bytes = smallest_repair_memory_bytes(),
                                               .file_system = &files_}}),
              IsOk());
  EXPECT_EQ(archives(), before);
}

TEST_F(ArchiveNamesTest, WhatIsNotOfBaleIsDebrisAlsoBelow) {
  ASSERT_THAT(import("a/b"), IsOk());
  for (const std::string name : {"a@/.b.new", "a@/.x", "a@/x@y", "stray@"}) {
    ASSERT_THAT(write_file(files_, "/store/archives/" + name, as_bytes("x")), IsOk());
  }
  ASSERT_THAT(files_.create_directory("/store/archives/a@/directory"), IsOk());
  ASSERT_THAT(files_.create_directory("/store/archives/.d@"), IsOk());
  ASSERT_OK_AND_ASSIGN(report, verify_store(store_, {}));
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.debris.size(), 6u);
  EXPECT_THAT(archives(), testing::Contains("a/b"));
}

TEST(ArchiveNamesCrashTest, WhatWasAcknowledgedIsThereAfterAPowerCut) {
  for (const bool locked : {true, false}) {
    MemoryFileSystem files;
    Store store = made_store(files);
    {
      // An import makes the directories with its lock; repair has none.
      ImportLocks locks;
      if (locked) locks = std::move(lock_for_import(store, kRepo, {})).value();
      ASSERT_THAT(grow_archive(store, kRepo, 1), IsOk());
    }
    files.crash(MemoryFileSystem::CrashMode::kDropUnsynced);
    ASSERT_OK_AND_ASSIGN(after, Store::open("/store", &files));
    ASSERT_OK_AND_ASSIGN(archives, after.snapshot().archives());
    EXPECT_THAT(archives, ElementsAre(kRepo));
  }
}

}  // namespace
}  // namespace bale
