// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "io/atomic_file.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "base/try.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/temp_directory.h"

namespace bale {
namespace {

constexpr std::string_view kNewText = "the new text";

std::optional<std::string> get(FileSystem& files, const std::string& path) {
  const Result<std::unique_ptr<File>> file = files.open(path);
  if (!file) return std::nullopt;
  const std::unique_ptr<Mapping> mapping = (*file)->map().value();
  return std::string(as_text(mapping->bytes()));
}

Result<void> put(FileSystem& files, const std::string& path, Visibility visibility,
                 std::string_view text = kNewText, const CommitOptions& options = {}) {
  AtomicFile file = TRY(AtomicFile::create(files, path, visibility));
  TRY(file.file().write_at(0, as_bytes(text)));
  return file.commit(options);
}

std::size_t name_count(FileSystem& files) {
  return files.list("/").value().size();
}

class AtomicFileTest : public testing::TestWithParam<Visibility> {
 protected:
  MemoryFileSystem memory_;
  FaultyFileSystem files_{memory_};
};

INSTANTIATE_TEST_SUITE_P(BothVisibilities, AtomicFileTest,
                         testing::Values(Visibility::kVisible, Visibility::kHidden),
                         [](const auto& instance) {
                           return instance.param == Visibility::kVisible ? "Visible" : "Hidden";
                         });

TEST_P(AtomicFileTest, AppearsWholeAtTheCommitAndLeavesNothingElse) {
  ASSERT_OK_AND_ASSIGN(file, AtomicFile::create(files_, "/a", GetParam()));
  ASSERT_THAT(file.file().write_at(0, as_bytes(kNewText)), IsOk());
  EXPECT_EQ(get(files_, "/a"), std::nullopt);
  EXPECT_EQ(name_count(files_), GetParam() == Visibility::kVisible ? 1u : 0u);
  ASSERT_THAT(file.commit(), IsOk());
  EXPECT_EQ(get(files_, "/a"), kNewText);
  EXPECT_EQ(name_count(files_), 1u);
}

TEST_P(AtomicFileTest, ReplacesAnOlderAndLongerFile) {
  ASSERT_THAT(put(files_, "/a", GetParam(), "an old text that is rather longer"), IsOk());
  ASSERT_THAT(put(files_, "/a", GetParam()), IsOk());
  EXPECT_EQ(get(files_, "/a"), kNewText);
  EXPECT_EQ(name_count(files_), 1u);
}

TEST_P(AtomicFileTest, TakesOverAStalePartFile) {
  for (const char* path : {"/a", "/a.part"}) {
    ASSERT_OK_AND_ASSIGN(stale, files_.create(path, CreateMode::kTruncate));
    ASSERT_THAT(stale->write_at(0, as_bytes("stale, and longer than the new one")), IsOk());
  }
  ASSERT_THAT(put(files_, "/a", GetParam()), IsOk());
  EXPECT_EQ(get(files_, "/a"), kNewText);
  EXPECT_EQ(name_count(files_), 1u);
}

TEST_P(AtomicFileTest, WithoutACommitNothingIsLeftAndTheOldFileStays) {
  ASSERT_THAT(put(files_, "/a", GetParam(), "old"), IsOk());
  {
    ASSERT_OK_AND_ASSIGN(file, AtomicFile::create(files_, "/a", GetParam()));
    ASSERT_THAT(file.file().write_at(0, as_bytes(kNewText)), IsOk());
  }
  EXPECT_EQ(get(files_, "/a"), "old");
  EXPECT_EQ(name_count(files_), 1u);
}

TEST_P(AtomicFileTest, MovingMovesTheDutyToCleanUp) {
  {
    ASSERT_OK_AND_ASSIGN(file, AtomicFile::create(files_, "/a", GetParam()));
    AtomicFile second = std::move(file);
    ASSERT_OK_AND_ASSIGN(third, AtomicFile::create(files_, "/b", GetParam()));
    third = std::move(second);
    EXPECT_EQ(get(files_, "/b.part"), std::nullopt);
    ASSERT_THAT(third.commit(), IsOk());
  }
  EXPECT_EQ(name_count(files_), 1u);
  EXPECT_EQ(get(files_, "/a"), "");
}

TEST_P(AtomicFileTest, EveryFailingCallLeavesOldOrNewAndNoPart) {
  for (std::uint64_t n = 0;; ++n) {
    MemoryFileSystem memory;
    FaultyFileSystem files(memory);
    ASSERT_THAT(put(files, "/a", GetParam(), "old"), IsOk());
    files.inject({.operation = n});
    files.start_trace();
    const Result<void> result = put(files, "/a", GetParam());
    if (!files.fault_fired()) {
      EXPECT_THAT(result, IsOk());
      EXPECT_EQ(get(memory, "/a"), kNewText);
      EXPECT_GE(n, 5u);
      break;
    }
    EXPECT_FALSE(result.has_value()) << n;
    const IoKind failed = files.trace().at(n).kind;
    EXPECT_EQ(get(memory, "/a"), failed == IoKind::kSyncDirectory ? kNewText : "old") << n;
    EXPECT_EQ(name_count(memory), 1u) << n;
  }
}

TEST_P(AtomicFileTest, APowerCutAtAnyCallLeavesOldOrNewWhole) {
  std::mt19937_64 random(4);
  const std::string old_text(3000, 'o');
  const std::string new_text(5000, 'n');
  for (std::uint64_t n = 0;; ++n) {
    bool fired = false;
    for (int round = 0; round < 20; ++round) {
      MemoryFileSystem memory;
      FaultyFileSystem files(memory);
      ASSERT_THAT(put(files, "/a", GetParam(), old_text), IsOk());
      files.inject({.operation = n, .forever = true});
      const Result<void> result = put(files, "/a", GetParam(), new_text);
      fired = files.fault_fired();
      memory.crash(random);
      const std::optional<std::string> left = get(memory, "/a");
      ASSERT_TRUE(left == old_text || left == new_text) << n;
      ASSERT_TRUE(!result.has_value() || left == new_text) << n;
    }
    if (!fired) break;
  }
}

TEST_P(AtomicFileTest, AfterAFailedSyncNoCommitSucceeds) {
  ASSERT_OK_AND_ASSIGN(file, AtomicFile::create(files_, "/a", GetParam()));
  files_.inject({.kinds = io_kinds({IoKind::kSync})});
  EXPECT_THAT(file.sync(), FailsWith(ErrorCode::kIo));
  EXPECT_THAT(file.sync(), FailsWith(ErrorCode::kIo));
  EXPECT_THAT(file.commit({.sync = false}), FailsWith(ErrorCode::kIo));
  EXPECT_EQ(get(files_, "/a"), std::nullopt);
}

TEST_P(AtomicFileTest, WithoutSyncNothingIsSynced) {
  ASSERT_THAT(put(files_, "/a", GetParam(), kNewText, {.sync = false}), IsOk());
  EXPECT_EQ(files_.counters().of(IoKind::kSync), 0u);
  EXPECT_EQ(files_.counters().of(IoKind::kSyncDirectory), 0u);
  EXPECT_EQ(get(files_, "/a"), kNewText);
}

TEST_P(AtomicFileTest, DirectoriesAreNoPlaceToWriteTo) {
  ASSERT_THAT(files_.create_directory("/d"), IsOk());
  EXPECT_THAT(AtomicFile::create(files_, "/d", GetParam()),
              FailsWith(ErrorCode::kInvalidArgument, "/d"));
  EXPECT_THAT(AtomicFile::create(files_, "/d/", GetParam()),
              FailsWith(ErrorCode::kInvalidArgument, "/d/"));
  EXPECT_THAT(AtomicFile::create(files_, "/missing/a", GetParam()),
              FailsWith(ErrorCode::kNotFound, "/missing"));
  EXPECT_EQ(name_count(files_), 1u);
}

TEST_P(AtomicFileTest, DevicesAreNotReplacedAlsoNotBehindASymlink) {
  const TempDirectory directory;
  FileSystem& files = posix_file_system();
  ASSERT_THAT(files.create_symlink("/dev/null", directory / "link"), IsOk());
  EXPECT_THAT(AtomicFile::create(files, directory / "link", GetParam()),
              FailsWith(ErrorCode::kInvalidArgument, "link"));
  EXPECT_THAT(AtomicFile::create(files, "/dev/null", GetParam()),
              FailsWith(ErrorCode::kInvalidArgument, "/dev/null"));
  EXPECT_EQ(files.list(directory.path()).value().size(), 1u);
}

TEST_P(AtomicFileTest, WorksOnARealDisk) {
  const TempDirectory directory;
  const std::string path = directory / "a";
  FileSystem& files = posix_file_system();
  ASSERT_THAT(put(files, path, GetParam(), "old"), IsOk());
  ASSERT_THAT(put(files, path, GetParam()), IsOk());
  EXPECT_EQ(get(files, path), kNewText);
  EXPECT_EQ(files.list(directory.path()).value().size(), 1u);
}

TEST(HiddenAtomicFileTest, StandsAtTheStagingPathBeforeItReplacesAFile) {
  MemoryFileSystem memory;
  FaultyFileSystem files(memory);
  ASSERT_THAT(files.create_directory("/staging"), IsOk());
  ASSERT_THAT(put(files, "/a", Visibility::kHidden, "old"), IsOk());
  files.start_trace();
  ASSERT_THAT(put(files, "/a", Visibility::kHidden, kNewText, {.staging_path = "/staging/x"}),
              IsOk());
  const auto trace = files.trace();
  EXPECT_TRUE(std::any_of(trace.begin(), trace.end(), [](const IoEvent& event) {
    return event.kind == IoKind::kLinkUnnamed && event.path == "/staging/x";
  }));
  EXPECT_EQ(get(files, "/a"), kNewText);
  EXPECT_TRUE(files.list("/staging").value().empty());
}

TEST(HiddenAtomicFileTest, GrowsAsPartWhereUnnamedFilesCannotBeMade) {
  MemoryFileSystem memory;
  FaultyFileSystem files(memory);
  files.inject({.kinds = io_kinds({IoKind::kCreateUnnamed}),
                .forever = true,
                .code = ErrorCode::kUnsupported});
  ASSERT_THAT(put(files, "/a", Visibility::kHidden), IsOk());
  EXPECT_EQ(get(files, "/a"), kNewText);
  EXPECT_EQ(name_count(files), 1u);
}

TEST(HiddenAtomicFileTest, IsCopiedWhereUnnamedFilesCannotGetAName) {
  const std::string text(100'000, 'c');
  MemoryFileSystem memory;
  FaultyFileSystem files(memory);
  files.inject({.kinds = io_kinds({IoKind::kLinkUnnamed}),
                .forever = true,
                .code = ErrorCode::kUnsupported});
  for (const std::string& expected : {std::string("first"), text}) {
    ASSERT_THAT(put(files, "/a", Visibility::kHidden, expected), IsOk());
    memory.crash(MemoryFileSystem::CrashMode::kDropUnsynced);
    EXPECT_EQ(get(files, "/a"), expected);
    EXPECT_EQ(name_count(files), 1u);
  }
}

}  // namespace
}  // namespace bale
