// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// One suite for every FileSystem: the system's, the one in memory, and the faulty one without a
// fault.

#include "bale/file_system.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "io/path.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/temp_directory.h"

namespace bale {
namespace {

/// A file system and an empty directory in it.
class World {
 public:
  virtual ~World() = default;
  virtual FileSystem& files() = 0;
  virtual std::string root() = 0;
};

class PosixWorld final : public World {
 public:
  FileSystem& files() override { return posix_file_system(); }

  std::string root() override { return directory_.path(); }

 private:
  TempDirectory directory_;
};

class MemoryWorld final : public World {
 public:
  FileSystem& files() override { return files_; }

  std::string root() override { return "/"; }

 private:
  MemoryFileSystem files_;
};

class FaultyWorld final : public World {
 public:
  FileSystem& files() override { return files_; }

  std::string root() override { return "/"; }

 private:
  MemoryFileSystem below_;
  FaultyFileSystem files_{below_};
};

template <typename WorldType>
class FileSystemTest : public testing::Test {
 protected:
  FileSystem& files() { return world_.files(); }

  std::string path(const std::string& name) { return join_path(world_.root(), name); }

  std::string root() { return world_.root(); }

  void put(const std::string& name, std::string_view text) {
    ASSERT_OK_AND_ASSIGN(file, files().create(path(name), CreateMode::kTruncate));
    ASSERT_THAT(file->write_at(0, as_bytes(text)), IsOk());
  }

  static std::string content(File& file) {
    std::string text(file.size().value(), '?');
    const auto out = std::as_writable_bytes(std::span(text));
    EXPECT_EQ(file.read_at(0, out).value(), text.size());
    return text;
  }

  std::string get(const std::string& name) { return content(*files().open(path(name)).value()); }

  std::vector<std::string> names(const std::string& directory) {
    std::vector<std::string> found;
    const std::vector<DirectoryEntry> entries = files().list(directory).value();
    for (const DirectoryEntry& entry : entries) found.push_back(entry.name);
    return found;
  }

 private:
  WorldType world_;
};

using Worlds = testing::Types<PosixWorld, MemoryWorld, FaultyWorld>;
TYPED_TEST_SUITE(FileSystemTest, Worlds);

TYPED_TEST(FileSystemTest, WhatIsWrittenIsReadBack) {
  ASSERT_OK_AND_ASSIGN(file, this->files().create(this->path("a"), CreateMode::kTruncate));
  ASSERT_THAT(file->write_at(0, as_bytes("hello world")), IsOk());
  ASSERT_THAT(file->write_at(6, as_bytes("there")), IsOk());
  EXPECT_EQ(this->content(*file), "hello there");
  EXPECT_EQ(this->get("a"), "hello there");
  EXPECT_EQ(file->path(), this->path("a"));
}

TYPED_TEST(FileSystemTest, WritingBeyondTheEndLeavesZerosBetween) {
  ASSERT_OK_AND_ASSIGN(file, this->files().create(this->path("a"), CreateMode::kTruncate));
  ASSERT_THAT(file->write_at(3, as_bytes("x")), IsOk());
  EXPECT_EQ(this->content(*file), std::string("\0\0\0x", 4));
}

TYPED_TEST(FileSystemTest, ReadsStopAtTheEnd) {
  this->put("a", "12345");
  ASSERT_OK_AND_ASSIGN(file, this->files().open(this->path("a")));
  std::array<std::byte, 8> out{};
  EXPECT_EQ(file->read_at(3, out).value(), 2u);
  EXPECT_EQ(as_text(Bytes(out).first(2)), "45");
  EXPECT_EQ(file->read_at(5, out).value(), 0u);
  EXPECT_EQ(file->read_at(1000, out).value(), 0u);
  EXPECT_EQ(file->read_at(0, {}).value(), 0u);
}

TYPED_TEST(FileSystemTest, OffsetsThatNoFileCanHoldAreRefused) {
  ASSERT_OK_AND_ASSIGN(file, this->files().create(this->path("a"), CreateMode::kTruncate));
  EXPECT_FALSE(file->write_at(UINT64_MAX, as_bytes("x")).has_value());
  EXPECT_FALSE(file->truncate(UINT64_MAX).has_value());
  EXPECT_EQ(file->size().value(), 0u);
}

TYPED_TEST(FileSystemTest, TruncateCutsAndExtends) {
  ASSERT_OK_AND_ASSIGN(file, this->files().create(this->path("a"), CreateMode::kTruncate));
  ASSERT_THAT(file->write_at(0, as_bytes("12345")), IsOk());
  ASSERT_THAT(file->truncate(2), IsOk());
  ASSERT_THAT(file->truncate(4), IsOk());
  EXPECT_EQ(this->content(*file), std::string("12\0\0", 4));
}

TYPED_TEST(FileSystemTest, CreateTruncatesWhatIsThere) {
  this->put("a", "an older and longer text");
  this->put("a", "short");
  EXPECT_EQ(this->get("a"), "short");
}

TYPED_TEST(FileSystemTest, ExclusiveCreateRefusesWhatIsThere) {
  this->put("a", "old");
  EXPECT_THAT(this->files().create(this->path("a"), CreateMode::kExclusive),
              FailsWith(ErrorCode::kIo, this->path("a")));
  EXPECT_EQ(this->get("a"), "old");
  EXPECT_THAT(this->files().create(this->path("b"), CreateMode::kExclusive), IsOk());
}

TYPED_TEST(FileSystemTest, WhatIsNotThereIsNotFound) {
  FileSystem& files = this->files();
  const std::string missing = this->path("missing");
  EXPECT_THAT(files.open(missing), FailsWith(ErrorCode::kNotFound, missing));
  EXPECT_THAT(files.open(""), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(files.stat(missing), FailsWith(ErrorCode::kNotFound, missing));
  EXPECT_THAT(files.list(missing), FailsWith(ErrorCode::kNotFound, missing));
  EXPECT_THAT(files.remove_file(missing), FailsWith(ErrorCode::kNotFound, missing));
  EXPECT_THAT(files.remove_directory(missing), FailsWith(ErrorCode::kNotFound, missing));
  EXPECT_THAT(files.rename(missing, this->path("b")), FailsWith(ErrorCode::kNotFound, missing));
  EXPECT_THAT(files.sync_directory(missing), FailsWith(ErrorCode::kNotFound, missing));
  EXPECT_THAT(files.set_executable(missing), FailsWith(ErrorCode::kNotFound, missing));
  EXPECT_THAT(files.try_lock(missing, LockMode::kShared), FailsWith(ErrorCode::kNotFound, missing));
  EXPECT_THAT(files.create_unnamed(missing), FailsWith(ErrorCode::kNotFound, missing));
  const std::string below = missing + "/b";
  EXPECT_THAT(files.create(below, CreateMode::kTruncate), FailsWith(ErrorCode::kNotFound, below));
  EXPECT_THAT(files.create_directory(below), FailsWith(ErrorCode::kNotFound, below));
}

TYPED_TEST(FileSystemTest, AFileIsNotADirectory) {
  this->put("a", "x");
  const std::string below = this->path("a/b");
  EXPECT_THAT(this->files().open(below), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(this->files().list(this->path("a")), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(this->files().create(below, CreateMode::kTruncate), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(this->files().remove_directory(this->path("a")), FailsWith(ErrorCode::kNotFound));
}

TYPED_TEST(FileSystemTest, DirectoriesAreNotOpenedAsFiles) {
  ASSERT_THAT(this->files().create_directory(this->path("d")), IsOk());
  EXPECT_THAT(this->files().open(this->path("d")),
              FailsWith(ErrorCode::kInvalidArgument, this->path("d")));
  EXPECT_THAT(this->files().create(this->path("d"), CreateMode::kTruncate),
              FailsWith(ErrorCode::kInvalidArgument, this->path("d")));
  EXPECT_THAT(this->files().remove_file(this->path("d")), FailsWith(ErrorCode::kIo));
}

TYPED_TEST(FileSystemTest, AFileOpenedForReadingCannotBeWritten) {
  this->put("a", "x");
  ASSERT_OK_AND_ASSIGN(file, this->files().open(this->path("a")));
  EXPECT_FALSE(file->write_at(0, as_bytes("y")).has_value());
  EXPECT_FALSE(file->truncate(0).has_value());
  EXPECT_EQ(this->get("a"), "x");
}

TYPED_TEST(FileSystemTest, DirectoriesAreCreatedAndRemovedWhenEmpty) {
  FileSystem& files = this->files();
  ASSERT_THAT(files.create_directory(this->path("d")), IsOk());
  EXPECT_THAT(files.create_directory(this->path("d")), FailsWith(ErrorCode::kIo, this->path("d")));
  this->put("d/a", "x");
  EXPECT_THAT(files.remove_directory(this->path("d")), FailsWith(ErrorCode::kIo, this->path("d")));
  ASSERT_THAT(files.remove_file(this->path("d/a")), IsOk());
  EXPECT_THAT(files.remove_directory(this->path("d")), IsOk());
  EXPECT_THAT(files.stat(this->path("d")), FailsWith(ErrorCode::kNotFound));
}

TYPED_TEST(FileSystemTest, ListIsSortedAndTellsKinds) {
  FileSystem& files = this->files();
  this->put("b", "x");
  this->put("\xff", "x");
  ASSERT_THAT(files.create_directory(this->path("c")), IsOk());
  ASSERT_THAT(files.create_symlink("b", this->path("a")), IsOk());
  ASSERT_OK_AND_ASSIGN(entries, files.list(this->root()));
  ASSERT_EQ(entries.size(), 4u);
  EXPECT_EQ(entries[0].name, "a");
  EXPECT_EQ(entries[0].kind, FileKind::kSymlink);
  EXPECT_EQ(entries[1].name, "b");
  EXPECT_EQ(entries[1].kind, FileKind::kRegular);
  EXPECT_EQ(entries[2].name, "c");
  EXPECT_EQ(entries[2].kind, FileKind::kDirectory);
  EXPECT_EQ(entries[3].name, "\xff");
}

TYPED_TEST(FileSystemTest, StatTellsSizeAndDoesNotFollowASymlink) {
  FileSystem& files = this->files();
  this->put("a", "12345");
  ASSERT_THAT(files.create_symlink("a", this->path("link")), IsOk());
  ASSERT_OK_AND_ASSIGN(file, files.stat(this->path("a")));
  EXPECT_EQ(file.kind, FileKind::kRegular);
  EXPECT_EQ(file.size, 5u);
  ASSERT_OK_AND_ASSIGN(link, files.stat(this->path("link")));
  EXPECT_EQ(link.kind, FileKind::kSymlink);
  EXPECT_EQ(link.size, 1u);
  ASSERT_OK_AND_ASSIGN(directory, files.stat(this->root()));
  EXPECT_EQ(directory.kind, FileKind::kDirectory);
}

TYPED_TEST(FileSystemTest, SymlinksLeadToFilesAndDirectories) {
  FileSystem& files = this->files();
  ASSERT_THAT(files.create_directory(this->path("d")), IsOk());
  this->put("d/a", "deep");
  ASSERT_THAT(files.create_symlink("d", this->path("to-d")), IsOk());
  ASSERT_THAT(files.create_symlink("../d/a", this->path("d/up")), IsOk());
  ASSERT_THAT(files.create_symlink(this->path("d/a"), this->path("absolute")), IsOk());
  EXPECT_EQ(this->get("to-d/a"), "deep");
  EXPECT_EQ(this->get("to-d/up"), "deep");
  EXPECT_EQ(this->get("absolute"), "deep");
  EXPECT_EQ(this->get("./d/../d/./a"), "deep");
  EXPECT_EQ(this->names(this->path("to-d")), (std::vector<std::string>{"a", "up"}));
  EXPECT_THAT(files.create_symlink("x", this->path("to-d")), FailsWith(ErrorCode::kIo));
}

TYPED_TEST(FileSystemTest, SymlinksThatGoRoundAreAnError) {
  ASSERT_THAT(this->files().create_symlink("b", this->path("a")), IsOk());
  ASSERT_THAT(this->files().create_symlink("a", this->path("b")), IsOk());
  EXPECT_THAT(this->files().open(this->path("a")), FailsWith(ErrorCode::kIo));
}

TYPED_TEST(FileSystemTest, CreateGoesThroughASymlinkUnlessExclusive) {
  FileSystem& files = this->files();
  ASSERT_THAT(files.create_symlink("target", this->path("link")), IsOk());
  EXPECT_THAT(files.open(this->path("link")), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(files.create(this->path("link"), CreateMode::kExclusive), FailsWith(ErrorCode::kIo));
  this->put("link", "x");
  EXPECT_EQ(this->get("target"), "x");
}

TYPED_TEST(FileSystemTest, RenameReplacesAFile) {
  this->put("a", "new");
  this->put("b", "old");
  ASSERT_THAT(this->files().rename(this->path("a"), this->path("b")), IsOk());
  EXPECT_EQ(this->get("b"), "new");
  EXPECT_EQ(this->names(this->root()), std::vector<std::string>{"b"});
}

TYPED_TEST(FileSystemTest, RenameMovesDirectoriesButNotIntoThemselves) {
  FileSystem& files = this->files();
  ASSERT_THAT(files.create_directory(this->path("d")), IsOk());
  ASSERT_THAT(files.create_directory(this->path("e")), IsOk());
  this->put("d/a", "x");
  EXPECT_THAT(files.rename(this->path("d"), this->path("d/inside")), FailsWith(ErrorCode::kIo));
  EXPECT_THAT(files.rename(this->path("e"), this->path("d")), FailsWith(ErrorCode::kIo));
  EXPECT_THAT(files.rename(this->path("d/a"), this->path("e")), FailsWith(ErrorCode::kIo));
  ASSERT_THAT(files.rename(this->path("d"), this->path("e")), IsOk());
  EXPECT_EQ(this->get("e/a"), "x");
  EXPECT_THAT(files.stat(this->path("d")), FailsWith(ErrorCode::kNotFound));
}

TYPED_TEST(FileSystemTest, RenamingAFileToItselfChangesNothing) {
  this->put("a", "x");
  EXPECT_THAT(this->files().rename(this->path("a"), this->path("a")), IsOk());
  EXPECT_EQ(this->get("a"), "x");
}

TYPED_TEST(FileSystemTest, AnOpenFileOutlivesItsName) {
  this->put("a", "still here");
  ASSERT_OK_AND_ASSIGN(file, this->files().open(this->path("a")));
  ASSERT_OK_AND_ASSIGN(mapping, file->map());
  ASSERT_THAT(this->files().remove_file(this->path("a")), IsOk());
  EXPECT_EQ(this->content(*file), "still here");
  file.reset();
  EXPECT_EQ(as_text(mapping->bytes()), "still here");
}

TYPED_TEST(FileSystemTest, MapsShowTheFileAlsoAfterTheirPagesAreReleased) {
  this->put("a", std::string(10'000, 'm'));
  ASSERT_OK_AND_ASSIGN(file, this->files().open(this->path("a")));
  ASSERT_OK_AND_ASSIGN(mapping, file->map());
  EXPECT_EQ(as_text(mapping->bytes()), std::string(10'000, 'm'));
  mapping->release_pages();
  EXPECT_EQ(as_text(mapping->bytes()), std::string(10'000, 'm'));
}

TYPED_TEST(FileSystemTest, AnEmptyFileHasAnEmptyMap) {
  this->put("a", "");
  ASSERT_OK_AND_ASSIGN(file, this->files().open(this->path("a")));
  ASSERT_OK_AND_ASSIGN(mapping, file->map());
  EXPECT_TRUE(mapping->bytes().empty());
  mapping->release_pages();
}

TYPED_TEST(FileSystemTest, UnnamedFilesAreInNoDirectory) {
  ASSERT_OK_AND_ASSIGN(file, this->files().create_unnamed(this->root()));
  ASSERT_THAT(file->write_at(0, as_bytes("scratch")), IsOk());
  EXPECT_EQ(this->content(*file), "scratch");
  EXPECT_TRUE(this->names(this->root()).empty());
}

TYPED_TEST(FileSystemTest, UnnamedFilesCanGetAName) {
  ASSERT_OK_AND_ASSIGN(file, this->files().create_unnamed(this->root()));
  ASSERT_THAT(file->write_at(0, as_bytes("kept")), IsOk());
  this->put("taken", "old");
  EXPECT_THAT(this->files().link_unnamed(*file, this->path("taken")),
              FailsWith(ErrorCode::kIo, this->path("taken")));
  EXPECT_THAT(this->files().link_unnamed(*file, this->path("missing/a")),
              FailsWith(ErrorCode::kNotFound, "missing/a"));
  ASSERT_THAT(this->files().link_unnamed(*file, this->path("a")), IsOk());
  file.reset();
  EXPECT_EQ(this->get("a"), "kept");
  EXPECT_EQ(this->get("taken"), "old");
}

TYPED_TEST(FileSystemTest, AFileOfAnotherFileSystemGetsNoName) {
  MemoryFileSystem other;
  ASSERT_OK_AND_ASSIGN(file, other.create_unnamed("/"));
  EXPECT_THAT(this->files().link_unnamed(*file, this->path("a")),
              FailsWith(ErrorCode::kInvalidArgument));
}

TYPED_TEST(FileSystemTest, SyncsSucceed) {
  ASSERT_OK_AND_ASSIGN(file, this->files().create(this->path("a"), CreateMode::kTruncate));
  ASSERT_THAT(file->write_at(0, as_bytes("x")), IsOk());
  EXPECT_THAT(file->sync(), IsOk());
  EXPECT_THAT(this->files().sync_directory(this->root()), IsOk());
}

TYPED_TEST(FileSystemTest, OnlyRegularFilesBecomeExecutable) {
  this->put("a", "#!/bin/sh\n");
  ASSERT_THAT(this->files().create_symlink("a", this->path("link")), IsOk());
  EXPECT_THAT(this->files().set_executable(this->path("a")), IsOk());
  EXPECT_THAT(this->files().set_executable(this->root()), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_FALSE(this->files().set_executable(this->path("link")).has_value());
}

TYPED_TEST(FileSystemTest, AnExclusiveLockStandsAlone) {
  this->put("a", "");
  FileSystem& files = this->files();
  ASSERT_OK_AND_ASSIGN(lock, files.try_lock(this->path("a"), LockMode::kExclusive));
  ASSERT_NE(lock, nullptr);
  EXPECT_EQ(files.try_lock(this->path("a"), LockMode::kExclusive).value(), nullptr);
  EXPECT_EQ(files.try_lock(this->path("a"), LockMode::kShared).value(), nullptr);
  lock.reset();
  EXPECT_NE(files.try_lock(this->path("a"), LockMode::kExclusive).value(), nullptr);
}

TYPED_TEST(FileSystemTest, SharedLocksStandTogetherAlsoOnDirectories) {
  FileSystem& files = this->files();
  ASSERT_OK_AND_ASSIGN(first, files.try_lock(this->root(), LockMode::kShared));
  ASSERT_OK_AND_ASSIGN(second, files.try_lock(this->root(), LockMode::kShared));
  ASSERT_NE(first, nullptr);
  ASSERT_NE(second, nullptr);
  first.reset();
  EXPECT_EQ(files.try_lock(this->root(), LockMode::kExclusive).value(), nullptr);
  second.reset();
  EXPECT_NE(files.try_lock(this->root(), LockMode::kExclusive).value(), nullptr);
}

TYPED_TEST(FileSystemTest, ThreadsReadOneFileTogether) {
  const std::string text(100'000, 't');
  this->put("a", text);
  ASSERT_OK_AND_ASSIGN(file, this->files().open(this->path("a")));
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 4; ++i) {
    threads.emplace_back([&file, &text] {
      std::string out(text.size(), '?');
      EXPECT_EQ(file->read_at(0, std::as_writable_bytes(std::span(out))).value(), text.size());
      EXPECT_EQ(out, text);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace bale
