// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The state after a power cut. Tests of all file systems: file_system_test.cc.

#include "testing/memory_file_system.h"

#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "testing/matchers.h"

namespace bale {
namespace {

using CrashMode = MemoryFileSystem::CrashMode;

/// The names in the root directory, one after the other.
std::string names_in(FileSystem& files) {
  std::string names;
  const std::vector<DirectoryEntry> entries = files.list("/").value();
  for (const DirectoryEntry& entry : entries) names += entry.name;
  return names;
}

class MemoryCrashTest : public testing::Test {
 protected:
  /// Creates a file with synced bytes and an unsynced name.
  std::unique_ptr<File> create(const std::string& path, std::string_view text) {
    std::unique_ptr<File> file = files_.create(path, CreateMode::kTruncate).value();
    EXPECT_THAT(file->write_at(0, as_bytes(text)), IsOk());
    EXPECT_THAT(file->sync(), IsOk());
    return file;
  }

  std::string get(const std::string& path) {
    const std::unique_ptr<File> file = files_.open(path).value();
    const std::unique_ptr<Mapping> mapping = file->map().value();
    return std::string(as_text(mapping->bytes()));
  }

  bool exists(const std::string& path) { return files_.stat(path).has_value(); }

  void sync_root() { ASSERT_THAT(files_.sync_directory("/"), IsOk()); }

  void drop() { files_.crash(CrashMode::kDropUnsynced); }

  MemoryFileSystem files_;
};

TEST_F(MemoryCrashTest, ASyncedFileWithASyncedNameStays) {
  create("/a", "kept");
  sync_root();
  drop();
  EXPECT_EQ(get("/a"), "kept");
}

TEST_F(MemoryCrashTest, ASyncedFileWithoutASyncedNameIsGone) {
  create("/a", "lost");
  drop();
  EXPECT_FALSE(exists("/a"));
}

TEST_F(MemoryCrashTest, ANameWithoutSyncedBytesIsAnEmptyFile) {
  ASSERT_OK_AND_ASSIGN(file, files_.create("/a", CreateMode::kTruncate));
  ASSERT_THAT(file->write_at(0, as_bytes("lost")), IsOk());
  sync_root();
  drop();
  EXPECT_EQ(get("/a"), "");
}

TEST_F(MemoryCrashTest, WritesAfterTheLastSyncAreDroppedOrKeptAsAsked) {
  for (const CrashMode mode : {CrashMode::kDropUnsynced, CrashMode::kKeepAll}) {
    const auto file = create("/a", "old");
    sync_root();
    ASSERT_THAT(file->write_at(0, as_bytes("newer")), IsOk());
    files_.crash(mode);
    EXPECT_EQ(get("/a"), mode == CrashMode::kKeepAll ? "newer" : "old");
  }
}

TEST_F(MemoryCrashTest, KeepAllKeepsNamesToo) {
  create("/a", "x");
  ASSERT_THAT(files_.create_directory("/d"), IsOk());
  ASSERT_THAT(files_.rename("/a", "/d/b"), IsOk());
  files_.crash(CrashMode::kKeepAll);
  EXPECT_FALSE(exists("/a"));
  EXPECT_EQ(get("/d/b"), "x");
}

TEST_F(MemoryCrashTest, TruncatingAnOldFileIsUndone) {
  create("/a", "old");
  sync_root();
  ASSERT_THAT(files_.create("/a", CreateMode::kTruncate), IsOk());
  EXPECT_EQ(get("/a"), "");
  drop();
  EXPECT_EQ(get("/a"), "old");
}

TEST_F(MemoryCrashTest, ARemovalThatWasNotSyncedIsUndone) {
  create("/a", "back again");
  sync_root();
  ASSERT_THAT(files_.remove_file("/a"), IsOk());
  drop();
  EXPECT_EQ(get("/a"), "back again");
  ASSERT_THAT(files_.remove_file("/a"), IsOk());
  sync_root();
  drop();
  EXPECT_FALSE(exists("/a"));
}

TEST_F(MemoryCrashTest, ARenameThatWasNotSyncedIsUndoneOnBothSides) {
  create("/a", "new");
  create("/b", "old");
  sync_root();
  ASSERT_THAT(files_.rename("/a", "/b"), IsOk());
  drop();
  EXPECT_EQ(get("/a"), "new");
  EXPECT_EQ(get("/b"), "old");
}

TEST_F(MemoryCrashTest, SyncingTheTargetOfARenameIsEnough) {
  ASSERT_THAT(files_.create_directory("/from"), IsOk());
  ASSERT_THAT(files_.create_directory("/to"), IsOk());
  sync_root();
  create("/from/a", "moved");
  ASSERT_THAT(files_.rename("/from/a", "/to/b"), IsOk());
  ASSERT_THAT(files_.sync_directory("/to"), IsOk());
  drop();
  EXPECT_FALSE(exists("/from/a"));
  EXPECT_EQ(get("/to/b"), "moved");
}

TEST_F(MemoryCrashTest, ADirectoryNeedsItsOwnNameSynced) {
  ASSERT_THAT(files_.create_directory("/d"), IsOk());
  create("/d/a", "lost");
  ASSERT_THAT(files_.sync_directory("/d"), IsOk());
  drop();
  EXPECT_FALSE(exists("/d"));
}

TEST_F(MemoryCrashTest, UnnamedFilesAndLocksAreGone) {
  create("/a", "x");
  sync_root();
  ASSERT_OK_AND_ASSIGN(unnamed, files_.create_unnamed("/"));
  ASSERT_OK_AND_ASSIGN(lock, files_.try_lock("/a", LockMode::kExclusive));
  drop();
  EXPECT_EQ(files_.list("/").value().size(), 1u);
  ASSERT_OK_AND_ASSIGN(again, files_.try_lock("/a", LockMode::kExclusive));
  EXPECT_NE(again, nullptr);
  lock.reset();  // the dead program's lock does not let go of the new one
  EXPECT_EQ(files_.try_lock("/a", LockMode::kShared).value(), nullptr);
}

TEST_F(MemoryCrashTest, FilesFromBeforeReachNothingAnyMore) {
  const auto file = create("/a", "x");
  sync_root();
  ASSERT_OK_AND_ASSIGN(mapping, file->map());
  drop();
  EXPECT_THAT(file->write_at(0, as_bytes("ghost")), IsOk());
  EXPECT_EQ(get("/a"), "x");
  EXPECT_EQ(as_text(mapping->bytes()), "x");
}

TEST_F(MemoryCrashTest, DiceFindEveryMixtureOfNames) {
  std::mt19937_64 random(1);
  std::set<std::string> seen;
  for (int round = 0; round < 200; ++round) {
    MemoryFileSystem files;
    for (const char* name : {"/a", "/b"})
      ASSERT_THAT(files.create(name, CreateMode::kTruncate), IsOk());
    ASSERT_THAT(files.sync_directory("/"), IsOk());
    ASSERT_THAT(files.rename("/a", "/c"), IsOk());
    ASSERT_THAT(files.remove_file("/b"), IsOk());
    files.crash(random);
    seen.insert(names_in(files));
  }
  // The rename is atomic: never both names, never neither.
  EXPECT_EQ(seen, (std::set<std::string>{"a", "ab", "c", "bc"}));
}

TEST_F(MemoryCrashTest, DiceKeepNoOperationWithoutThoseBeforeItOnTheSameName) {
  std::mt19937_64 random(2);
  std::set<std::string> seen;
  for (int round = 0; round < 200; ++round) {
    MemoryFileSystem files;
    ASSERT_THAT(files.create("/a", CreateMode::kTruncate), IsOk());
    ASSERT_THAT(files.rename("/a", "/b"), IsOk());
    ASSERT_THAT(files.rename("/b", "/c"), IsOk());
    files.crash(random);
    seen.insert(names_in(files));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"", "a", "b", "c"}));
}

TEST_F(MemoryCrashTest, DiceTearBytesThatWereNotSyncedOnly) {
  const std::string old_text(2000, 'o');
  const std::string new_text(4000, 'n');
  std::mt19937_64 random(3);
  bool seen_old = false;
  bool seen_new = false;
  bool seen_torn = false;
  for (int round = 0; round < 200; ++round) {
    const auto file = create("/a", old_text);
    ASSERT_THAT(file->truncate(old_text.size()), IsOk());
    ASSERT_THAT(file->sync(), IsOk());
    create("/synced", old_text);
    sync_root();
    ASSERT_THAT(file->write_at(0, as_bytes(new_text)), IsOk());
    files_.crash(random);
    const std::string left = get("/a");
    ASSERT_GE(left.size(), old_text.size());
    ASSERT_LE(left.size(), new_text.size());
    ASSERT_EQ(left.find_first_not_of(std::string_view("on\0", 3)), std::string::npos);
    seen_old |= left == old_text;
    seen_new |= left == new_text;
    seen_torn |= left != old_text && left != new_text;
    ASSERT_EQ(get("/synced"), old_text);
  }
  EXPECT_TRUE(seen_old && seen_new && seen_torn);
}

TEST_F(MemoryCrashTest, AMapShowsTheFileAsItWas) {
  const auto file = create("/a", "before");
  ASSERT_OK_AND_ASSIGN(mapping, file->map());
  ASSERT_THAT(file->write_at(0, as_bytes("after!")), IsOk());
  EXPECT_EQ(as_text(mapping->bytes()), "before");
  EXPECT_EQ(get("/a"), "after!");
}

TEST_F(MemoryCrashTest, ExecutableIsRememberedAlsoThroughACrash) {
  create("/a", "x");
  sync_root();
  EXPECT_FALSE(files_.is_executable("/a"));
  ASSERT_THAT(files_.set_executable("/a"), IsOk());
  EXPECT_TRUE(files_.is_executable("/a"));
  drop();
  EXPECT_TRUE(files_.is_executable("/a"));
  EXPECT_FALSE(files_.is_executable("/missing"));
}

TEST_F(MemoryCrashTest, ASnapshotGoesItsOwnWayAndForgetsLocks) {
  const std::unique_ptr<File> file = create("/a", "old");
  ASSERT_THAT(files_.sync_directory("/"), IsOk());
  ASSERT_THAT(file->write_at(0, as_bytes("new")), IsOk());
  static_cast<void>(create("/b", "b"));
  ASSERT_OK_AND_ASSIGN(lock, files_.try_lock("/a", LockMode::kExclusive));
  const std::unique_ptr<MemoryFileSystem> copy = files_.snapshot();
  ASSERT_OK_AND_ASSIGN(second_lock, copy->try_lock("/a", LockMode::kExclusive));
  EXPECT_NE(second_lock, nullptr);

  ASSERT_THAT(file->write_at(0, as_bytes("xxx")), IsOk());
  ASSERT_THAT(files_.remove_file("/b"), IsOk());
  EXPECT_EQ(names_in(*copy), "ab");
  const auto text_of_a = [&]() -> std::string {
    const std::unique_ptr<Mapping> mapping = copy->open("/a").value()->map().value();
    return std::string(as_text(mapping->bytes()));
  };
  EXPECT_EQ(text_of_a(), "new");
  // Data unsynced in the original is unsynced in the copy.
  copy->crash(CrashMode::kDropUnsynced);
  EXPECT_EQ(names_in(*copy), "a");
  EXPECT_EQ(text_of_a(), "old");
  EXPECT_EQ(get("/a"), "xxx");
}

}  // namespace
}  // namespace bale
