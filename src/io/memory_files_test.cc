// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "io/memory_files.h"

#include <array>

#include "testing/matchers.h"

namespace bale {
namespace {

TEST(MemoryFilesTest, AFileKeepsWhatIsWrittenAndOutlivesItsFileSystem) {
  std::unique_ptr<FileSystem> files = make_memory_files();
  ASSERT_OK_AND_ASSIGN(file, files->create_unnamed("/"));
  files.reset();
  ASSERT_THAT(file->write_at(3, as_bytes("def")), IsOk());
  EXPECT_EQ(file->size().value(), 6u);
  ASSERT_OK_AND_ASSIGN(map, file->map());
  ASSERT_THAT(file->write_at(0, as_bytes("abc")), IsOk());
  EXPECT_EQ(as_text(map->bytes()), std::string_view("\0\0\0def", 6));  // as it was then
  ASSERT_THAT(file->truncate(5), IsOk());
  std::array<std::byte, 8> out{};
  EXPECT_EQ(file->read_at(1, out).value(), 4u);
  EXPECT_EQ(as_text(Bytes(out).first(4)), "bcde");
  EXPECT_EQ(file->read_at(5, out).value(), 0u);
  EXPECT_EQ(file->read_at(UINT64_MAX, out).value(), 0u);
}

TEST(MemoryFilesTest, AnAbsurdSizeIsAnErrorAndNoAllocation) {
  const std::unique_ptr<FileSystem> files = make_memory_files();
  ASSERT_OK_AND_ASSIGN(file, files->create_unnamed("/"));
  EXPECT_THAT(file->write_at(UINT64_MAX - 1, as_bytes("ab")), FailsWith(ErrorCode::kIo));
  EXPECT_THAT(file->truncate(UINT64_MAX), FailsWith(ErrorCode::kIo));
  EXPECT_EQ(file->size().value(), 0u);
}

TEST(MemoryFilesTest, NamesAreNotSupported) {
  const std::unique_ptr<FileSystem> files = make_memory_files();
  EXPECT_THAT(files->create("/a", CreateMode::kTruncate), FailsWith(ErrorCode::kUnsupported));
  EXPECT_THAT(files->open("/a"), FailsWith(ErrorCode::kUnsupported));
  EXPECT_THAT(files->stat("/a"), FailsWith(ErrorCode::kUnsupported));
  EXPECT_THAT(files->try_lock("/", LockMode::kShared), FailsWith(ErrorCode::kUnsupported));
}

}  // namespace
}  // namespace bale
