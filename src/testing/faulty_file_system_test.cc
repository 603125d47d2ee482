// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "testing/faulty_file_system.h"

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/try.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"

namespace bale {
namespace {

/// Makes each call of the seam once.
Result<void> call_everything(FileSystem& files) {
  TRY(files.create_directory("/d"));
  std::unique_ptr<File> file = TRY(files.create("/d/a", CreateMode::kTruncate));
  TRY(file->write_at(0, as_bytes("12345")));
  TRY(file->truncate(4));
  TRY(file->sync());
  TRY_VOID(file->size());
  TRY_VOID(file->map());
  std::array<std::byte, 3> out{};
  TRY_VOID(file->read_at(2, out));
  file.reset();
  TRY_VOID(files.open("/d/a"));
  file = TRY(files.create_unnamed("/d"));
  TRY(files.link_unnamed(*file, "/d/b"));
  TRY(files.rename("/d/b", "/d/c"));
  TRY(files.remove_file("/d/c"));
  TRY_VOID(files.list("/d"));
  TRY_VOID(files.stat("/d/a"));
  TRY(files.sync_directory("/d"));
  TRY(files.create_symlink("a", "/d/link"));
  TRY(files.set_executable("/d/a"));
  TRY_VOID(files.try_lock("/d/a", LockMode::kShared));
  TRY(files.create_directory("/e"));
  return files.remove_directory("/e");
}

class FaultyFileSystemTest : public testing::Test {
 protected:
  MemoryFileSystem memory_;
  FaultyFileSystem files_{memory_};
};

TEST_F(FaultyFileSystemTest, CountsEveryCallByKind) {
  ASSERT_THAT(call_everything(files_), IsOk());
  const IoCounters counters = files_.counters();
  for (std::size_t kind = 0; kind < kIoKindCount; ++kind) {
    const bool twice = kind == static_cast<std::size_t>(IoKind::kCreateDirectory);
    EXPECT_EQ(counters.calls[kind], twice ? 2u : 1u) << to_string(static_cast<IoKind>(kind));
  }
  EXPECT_EQ(counters.operations(), kIoKindCount + 1);
  EXPECT_EQ(counters.bytes_written, 5u);
  EXPECT_EQ(counters.bytes_read, 2u);
  files_.reset_counters();
  EXPECT_EQ(files_.counters().operations(), 0u);
}

TEST_F(FaultyFileSystemTest, EachCallCanBeMadeToFail) {
  ASSERT_THAT(call_everything(files_), IsOk());
  const std::uint64_t operations = files_.counters().operations();
  for (std::uint64_t n = 0; n <= operations; ++n) {
    MemoryFileSystem memory;
    FaultyFileSystem files(memory);
    files.inject({.operation = n});
    const Result<void> result = call_everything(files);
    EXPECT_EQ(files.fault_fired(), n < operations);
    if (n == operations) {
      EXPECT_THAT(result, IsOk());
    } else {
      EXPECT_THAT(result, FailsWith(ErrorCode::kIo, "injected fault: "));
      EXPECT_EQ(files.counters().operations(), n + 1);
    }
  }
}

TEST_F(FaultyFileSystemTest, AFailingCallDoesNotReachTheFileSystemBelow) {
  files_.inject({.operation = 0});
  EXPECT_FALSE(files_.create("/a", CreateMode::kTruncate).has_value());
  EXPECT_TRUE(memory_.list("/").value().empty());
  EXPECT_THAT(files_.create("/a", CreateMode::kTruncate), IsOk());
}

TEST_F(FaultyFileSystemTest, AFaultMayLastForever) {
  files_.inject({.operation = 1, .forever = true});
  EXPECT_THAT(files_.list("/"), IsOk());
  EXPECT_FALSE(files_.list("/").has_value());
  EXPECT_FALSE(files_.stat("/").has_value());
  files_.clear_fault();
  EXPECT_THAT(files_.list("/"), IsOk());
}

TEST_F(FaultyFileSystemTest, OnlyTheChosenKindsAndPathsMatch) {
  files_.inject({.operation = 1,
                 .kinds = io_kinds({IoKind::kStat, IoKind::kOpen}),
                 .path_part = ".pack",
                 .code = ErrorCode::kUnsupported,
                 .message = "no such luck"});
  EXPECT_THAT(files_.open("/x.pack"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(files_.open("/x.idx"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(files_.remove_file("/x.pack"), FailsWith(ErrorCode::kNotFound));
  EXPECT_FALSE(files_.fault_fired());
  EXPECT_THAT(files_.stat("/x.pack"),
              FailsWith(ErrorCode::kUnsupported, "no such luck: stat /x.pack"));
  EXPECT_TRUE(files_.fault_fired());
}

TEST_F(FaultyFileSystemTest, AWriteMayBeTorn) {
  ASSERT_OK_AND_ASSIGN(file, files_.create("/a", CreateMode::kTruncate));
  files_.inject({.kinds = io_kinds({IoKind::kWrite}), .tears_writes = true});
  EXPECT_THAT(file->write_at(0, as_bytes("123456")), FailsWith(ErrorCode::kIo));
  EXPECT_EQ(file->size().value(), 3u);
  EXPECT_EQ(files_.counters().bytes_written, 0u);
}

TEST_F(FaultyFileSystemTest, KnowsHowManyFilesAreOpen) {
  {
    ASSERT_OK_AND_ASSIGN(first, files_.create("/a", CreateMode::kTruncate));
    ASSERT_OK_AND_ASSIGN(second, files_.create_unnamed("/"));
    EXPECT_EQ(files_.open_files(), 2u);
    second.reset();
    ASSERT_OK_AND_ASSIGN(third, files_.open("/a"));
    EXPECT_EQ(files_.open_files(), 2u);
  }
  EXPECT_EQ(files_.open_files(), 0u);
  EXPECT_EQ(files_.peak_open_files(), 2u);
}

TEST_F(FaultyFileSystemTest, TheTraceSaysWhatWasDoneWhere) {
  ASSERT_THAT(files_.stat("/"), IsOk());
  files_.start_trace();
  ASSERT_OK_AND_ASSIGN(file, files_.create("/a", CreateMode::kTruncate));
  ASSERT_THAT(file->write_at(7, as_bytes("abc")), IsOk());
  ASSERT_THAT(files_.rename("/a", "/b"), IsOk());
  const std::vector<IoEvent> trace = files_.trace();
  ASSERT_EQ(trace.size(), 3u);
  EXPECT_EQ(trace[0].kind, IoKind::kCreate);
  EXPECT_EQ(trace[1].kind, IoKind::kWrite);
  EXPECT_EQ(trace[1].path, "/a");
  EXPECT_EQ(trace[1].offset, 7u);
  EXPECT_EQ(trace[1].bytes, 3u);
  EXPECT_EQ(trace[2].path, "/b");
}

TEST_F(FaultyFileSystemTest, FilesMayOutliveIt) {
  auto files = std::make_unique<FaultyFileSystem>(memory_);
  ASSERT_OK_AND_ASSIGN(file, files->create("/a", CreateMode::kTruncate));
  files.reset();
  EXPECT_THAT(file->write_at(0, as_bytes("x")), IsOk());
}

TEST_F(FaultyFileSystemTest, AnObserverSeesWhatIsAboutToHappen) {
  std::vector<IoKind> seen;
  files_.observe([&](const IoEvent& event) {
    EXPECT_THAT(memory_.stat("/a"), FailsWith(ErrorCode::kNotFound));
    seen.push_back(event.kind);
  });
  files_.inject({.operation = 0});
  EXPECT_THAT(files_.create("/a", CreateMode::kTruncate), FailsWith(ErrorCode::kIo));
  EXPECT_THAT(files_.create("/a", CreateMode::kTruncate), IsOk());
  files_.observe({});
  EXPECT_THAT(files_.stat("/a"), IsOk());
  EXPECT_EQ(seen, std::vector<IoKind>{IoKind::kCreate});
}

}  // namespace
}  // namespace bale
