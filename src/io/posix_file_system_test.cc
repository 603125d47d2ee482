// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Tests that apply to the operating system's files only. The others: file_system_test.cc.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "bale/file_system.h"
#include "io/posix_file.h"
#include "testing/matchers.h"
#include "testing/temp_directory.h"

namespace bale {
namespace {

TEST(PosixFileSystemTest, FifosAndDevicesAreRefusedWithoutWaiting) {
  const TempDirectory directory;
  ASSERT_EQ(::mkfifo((directory / "fifo").c_str(), 0600), 0);
  FileSystem& files = posix_file_system();
  EXPECT_THAT(files.open(directory / "fifo"), FailsWith(ErrorCode::kInvalidArgument, "fifo"));
  EXPECT_THAT(files.create(directory / "fifo", CreateMode::kTruncate),
              FailsWith(ErrorCode::kInvalidArgument, "fifo"));
  EXPECT_THAT(files.try_lock(directory / "fifo", LockMode::kShared),
              FailsWith(ErrorCode::kInvalidArgument, "fifo"));
  EXPECT_THAT(files.open("/dev/null"), FailsWith(ErrorCode::kInvalidArgument, "/dev/null"));
  EXPECT_EQ(files.stat("/dev/null").value().kind, FileKind::kOther);
}

TEST(PosixFileSystemTest, ErrorsCarryPathAndTheSystemsWords) {
  EXPECT_THAT(posix_file_system().open("/no/such/file"),
              FailsWith(ErrorCode::kNotFound, "/no/such/file: No such file or directory"));
  EXPECT_THAT(posix_file_system().open(std::string(5000, 'x')),
              FailsWith(ErrorCode::kIo, "File name too long"));
}

TEST(PosixFileSystemTest, AZeroByteDoesNotCutAPathShort) {
  const TempDirectory directory;
  const std::string path = directory / std::string("a\0b", 3);
  EXPECT_THAT(posix_file_system().create(path, CreateMode::kTruncate),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(posix_file_system().stat(directory / "a"), FailsWith(ErrorCode::kNotFound));
}

TEST(PosixFileSystemTest, UnlinkedFilesServeWhereUnnamedOnesCannotBeHad) {
  const TempDirectory directory;
  ASSERT_OK_AND_ASSIGN(file, create_unlinked_file(directory.path()));
  ASSERT_THAT(file->write_at(0, as_bytes("scratch")), IsOk());
  EXPECT_EQ(file->size().value(), 7u);
  EXPECT_TRUE(posix_file_system().list(directory.path()).value().empty());
  EXPECT_THAT(posix_file_system().link_unnamed(*file, directory / "a"),
              FailsWith(ErrorCode::kUnsupported));
}

TEST(PosixFileSystemTest, FilesWithANameGetNoSecondOne) {
  const TempDirectory directory;
  ASSERT_OK_AND_ASSIGN(file, posix_file_system().create(directory / "a", CreateMode::kTruncate));
  EXPECT_FALSE(posix_file_system().link_unnamed(*file, directory / "b").has_value());
}

TEST(PosixFileSystemTest, WhoMayReadAnExecutableMayRunIt) {
  const TempDirectory directory;
  const std::string path = directory / "a";
  ASSERT_THAT(posix_file_system().create(path, CreateMode::kTruncate), IsOk());
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  ASSERT_THAT(posix_file_system().set_executable(path), IsOk());

  struct stat info = {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0750u);
}

TEST(PosixFileSystemTest, DescriptorsAreNotInherited) {
  const TempDirectory directory;
  ASSERT_OK_AND_ASSIGN(unnamed, posix_file_system().create_unnamed(directory.path()));
  ASSERT_OK_AND_ASSIGN(unlinked, create_unlinked_file(directory.path()));
  ASSERT_OK_AND_ASSIGN(created, posix_file_system().create(directory / "a", CreateMode::kTruncate));
  for (File* file : {unnamed.get(), unlinked.get(), created.get()}) {
    const int fd = dynamic_cast<PosixFile&>(*file).fd();
    EXPECT_EQ(::fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC) << file->path();
  }
}

TEST(PosixFileSystemTest, ClosingLeavesNoDescriptorBehind) {
  const TempDirectory directory;
  const auto open_descriptors = [] {
    using Iterator = std::filesystem::directory_iterator;
    return std::distance(Iterator("/proc/self/fd"), Iterator());
  };
  const auto before = open_descriptors();
  {
    ASSERT_OK_AND_ASSIGN(file, posix_file_system().create(directory / "a", CreateMode::kTruncate));
    ASSERT_OK_AND_ASSIGN(lock, posix_file_system().try_lock(directory / "a", LockMode::kShared));
    ASSERT_THAT(posix_file_system().list(directory.path()), IsOk());
    ASSERT_THAT(posix_file_system().sync_directory(directory.path()), IsOk());
    EXPECT_EQ(open_descriptors(), before + 2);
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(PosixFileSystemTest, AFullDiskIsAnError) {
  // /dev/full is not a regular file, so the test builds the PosixFile itself.
  PosixFile file(Descriptor(::open("/dev/full", O_RDWR | O_CLOEXEC)), "/dev/full",
                 /*linkable=*/false);
  EXPECT_THAT(file.write_at(0, as_bytes("x")),
              FailsWith(ErrorCode::kIo, "cannot write /dev/full: No space left on device"));
}

}  // namespace
}  // namespace bale
