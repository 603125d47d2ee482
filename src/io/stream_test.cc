// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "io/stream.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <string>
#include <thread>

#include "base/try.h"
#include "io/posix_file.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/watched_thread.h"

namespace bale {
namespace {

/// Both ends of a pipe.
struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    read_end = Descriptor(ends[0]);
    write_end = Descriptor(ends[1]);
  }

  Descriptor read_end;
  Descriptor write_end;
};

Result<std::string> read_all(InputStream& stream, std::size_t step) {
  std::string text;
  std::vector<std::byte> out(step);
  for (;;) {
    const std::size_t got = TRY(stream.read(out));
    if (got == 0) return text;
    text += as_text(Bytes(out).first(got));
  }
}

class FdStreamTest : public testing::Test {
 protected:
  // A write to a closed pipe returns an error, as in the program.
  void SetUp() override { static_cast<void>(std::signal(SIGPIPE, SIG_IGN)); }

  Pipe pipe_;
  std::atomic<bool> cancel_ = false;
};

TEST_F(FdStreamTest, WhatIsWrittenToAPipeIsReadFromIt) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += static_cast<char>('a' + i % 26);
  std::thread writer([&] {
    FdOutputStream out(pipe_.write_end.get(), "a pipe", &cancel_);
    EXPECT_THAT(out.write(as_bytes(text)), IsOk());
    pipe_.write_end = Descriptor();
  });
  FdInputStream in(pipe_.read_end.get(), "a pipe", &cancel_);
  EXPECT_EQ(read_all(in, 1000).value(), text);
  writer.join();
}

TEST_F(FdStreamTest, ReadingWorksWithoutACancelFlagAndOnDescriptorsThatDoNotBlock) {
  ASSERT_EQ(::fcntl(pipe_.read_end.get(), F_SETFL, O_NONBLOCK), 0);
  WatchedThread reader;
  std::thread writer([&] {
    reader.await_blocked();
    FdOutputStream out(pipe_.write_end.get(), "a pipe");
    EXPECT_THAT(out.write(as_bytes("late")), IsOk());
    pipe_.write_end = Descriptor();
  });
  FdInputStream in(pipe_.read_end.get(), "a pipe");
  reader.begin();
  EXPECT_EQ(read_all(in, 100).value(), "late");
  writer.join();
}

TEST_F(FdStreamTest, AWaitingReadNoticesTheCancelFlag) {
  FdInputStream in(pipe_.read_end.get(), "standard input", &cancel_);
  WatchedThread reader;
  std::thread canceller([&] {
    reader.await_blocked();
    cancel_ = true;
  });
  std::array<std::byte, 10> out{};
  reader.begin();
  EXPECT_THAT(in.read(out), FailsWith(ErrorCode::kInterrupted, "standard input"));
  canceller.join();
}

TEST_F(FdStreamTest, AWriteIntoAFullPipeNoticesTheCancelFlag) {
  FdOutputStream out(pipe_.write_end.get(), "standard output", &cancel_);
  WatchedThread writer;
  std::thread canceller([&] {
    writer.await_blocked();
    cancel_ = true;
  });
  const std::string text(1 << 20, 'x');
  writer.begin();
  EXPECT_THAT(out.write(as_bytes(text)), FailsWith(ErrorCode::kInterrupted, "standard output"));
  canceller.join();
}

TEST_F(FdStreamTest, AClosedPipeIsTold) {
  pipe_.read_end = Descriptor();
  FdOutputStream out(pipe_.write_end.get(), "standard output");
  const Result<void> written = out.write(as_bytes("x"));
  ASSERT_THAT(written, FailsWith(ErrorCode::kIo, "cannot write standard output: closed pipe"));
  EXPECT_TRUE(is_closed_pipe(written.error()));
}

TEST_F(FdStreamTest, OtherErrorsAreNotAClosedPipe) {
  FdOutputStream out(pipe_.read_end.get(), "the wrong end");
  const Result<void> written = out.write(as_bytes("x"));
  ASSERT_THAT(written, FailsWith(ErrorCode::kIo, "the wrong end: Bad file descriptor"));
  EXPECT_FALSE(is_closed_pipe(written.error()));
  FdInputStream in(pipe_.write_end.get(), "the other wrong end");
  std::array<std::byte, 10> bytes{};
  EXPECT_THAT(in.read(bytes), FailsWith(ErrorCode::kIo, "the other wrong end"));
}

TEST(FileInputStreamTest, ReadsTheRangeAndStopsWhereTheFileEnds) {
  MemoryFileSystem files;
  ASSERT_OK_AND_ASSIGN(file, files.create("/a", CreateMode::kTruncate));
  ASSERT_THAT(file->write_at(0, as_bytes("0123456789")), IsOk());
  FileInputStream whole(*file);
  EXPECT_EQ(read_all(whole, 4).value(), "0123456789");
  FileInputStream range(*file, {.offset = 2, .size = 5});
  EXPECT_EQ(read_all(range, 2).value(), "23456");
  FileInputStream tail(*file, {.offset = 8, .size = 5});
  EXPECT_EQ(read_all(tail, 100).value(), "89");
  FileInputStream beyond(*file, {.offset = 11});
  EXPECT_EQ(read_all(beyond, 100).value(), "");
}

}  // namespace
}  // namespace bale
