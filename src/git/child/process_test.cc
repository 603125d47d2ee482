// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "git/child/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "base/try.h"
#include "git/child/child_output.h"
#include "io/posix_file.h"
#include "testing/matchers.h"
#include "testing/temp_directory.h"
#include "testing/watched_thread.h"

namespace bale {
namespace {

using Clock = std::chrono::steady_clock;

ChildCommand shell(const std::string& script, bool with_stdin = false) {
  return {.program = "/bin/sh",
          .arguments = {"-c", script},
          .environment = {"PATH=/usr/bin:/bin", "GREETING=hello"},
          .directory = "/",
          .with_stdin = with_stdin};
}

Result<std::string> read_everything(ChildProcess& child) {
  std::string text;
  std::array<std::byte, 1000> piece{};
  for (;;) {
    const std::size_t got = TRY(child.read(piece));
    if (got == 0) return text;
    text += as_text(Bytes(piece).first(got));
  }
}

TEST(ChildProcessTest, GivesOutputErrorTextStatusAndMemory) {
  const Operation operation;
  ASSERT_OK_AND_ASSIGN(child,
                       ChildProcess::spawn(shell("echo out; echo err >&2; exit 3"), operation));
  ASSERT_OK_AND_ASSIGN(text, read_everything(child));
  EXPECT_EQ(text, "out\n");
  ASSERT_OK_AND_ASSIGN(how, child.wait());
  EXPECT_EQ(how.exit_code, 3);
  EXPECT_EQ(how.signal, 0);
  EXPECT_FALSE(how.ok());
  EXPECT_GT(how.peak_rss_bytes, 100'000u);
  EXPECT_EQ(child.stderr_tail(), "err\n");
}

TEST(ChildProcessTest, HasOnlyTheEnvironmentItIsGiven) {
  ASSERT_EQ(::setenv("BALE_TEST_LEAK", "1", 1), 0);
  const Operation operation;
  ASSERT_OK_AND_ASSIGN(
      child, ChildProcess::spawn(shell("echo $GREETING:$BALE_TEST_LEAK:$HOME:; pwd"), operation));
  ASSERT_OK_AND_ASSIGN(text, read_everything(child));
  EXPECT_EQ(text, "hello:::\n/\n");
  ::unsetenv("BALE_TEST_LEAK");
}

TEST(ChildProcessTest, InheritsNoDescriptorOfOurs) {
  const UniqueFd leaky(::fcntl(STDERR_FILENO, F_DUPFD, 50));  // without CLOEXEC
  ASSERT_TRUE(leaky.is_open());
  const Operation operation;
  ASSERT_OK_AND_ASSIGN(
      child, ChildProcess::spawn(shell("for fd in 2 " + std::to_string(leaky.get()) +
                                       "; do test -e /proc/$$/fd/$fd && echo has $fd; done"),
                                 operation));
  ASSERT_OK_AND_ASSIGN(text, read_everything(child));
  EXPECT_EQ(text, "has 2\n");
}

TEST(ChildProcessTest, RunsInAGroupOfItsOwn) {
  const Operation operation;
  ASSERT_OK_AND_ASSIGN(child, ChildProcess::spawn(shell("ps -o pgid= -p $$; echo $$"), operation));
  ASSERT_OK_AND_ASSIGN(text, read_everything(child));
  const std::size_t newline = text.find('\n');
  ASSERT_NE(newline, std::string::npos);
  EXPECT_EQ(std::stol(text.substr(0, newline)), std::stol(text.substr(newline + 1)));
}

TEST(ChildProcessTest, StartsWithDefaultSignalsWhateverOursAre) {
  struct sigaction ignore {};

  struct sigaction before {};

  ignore.sa_handler = SIG_IGN;
  ASSERT_EQ(::sigaction(SIGPIPE, &ignore, &before), 0);
  const Operation operation;
  ASSERT_OK_AND_ASSIGN(
      child,
      ChildProcess::spawn(shell("exec grep -E 'SigIgn|SigBlk' /proc/self/status"), operation));
  ASSERT_OK_AND_ASSIGN(text, read_everything(child));
  EXPECT_EQ(text, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  ASSERT_EQ(::sigaction(SIGPIPE, &before, nullptr), 0);
}

TEST(ChildProcessTest, OneThreadMayWriteWhileAnotherReads) {
  const Operation operation;
  ASSERT_OK_AND_ASSIGN(child, ChildProcess::spawn(shell("exec cat", true), operation));
  const std::string sent(3 << 20, 'x');  // more than both pipes hold
  std::thread writer([&] {
    EXPECT_THAT(child.write(as_bytes(sent)), IsOk());
    child.close_stdin();
  });
  const Result<std::string> got = read_everything(child);
  writer.join();
  ASSERT_THAT(got, IsOk());
  EXPECT_TRUE(*got == sent);
  ASSERT_OK_AND_ASSIGN(how, child.wait());
  EXPECT_TRUE(how.ok());
}

TEST(ChildProcessTest, WritingToOneThatDoesNotReadIsAnErrorAndNoSignal) {
  const Operation operation;
  ASSERT_OK_AND_ASSIGN(
      child,
      ChildProcess::spawn(shell("exec <&-; echo ready; exec tail -f /dev/null", true), operation));
  ChildOutput output(child);
  ASSERT_THAT(output.line(), IsOk());
  EXPECT_FALSE(child.has_stopped_reading());
  EXPECT_THAT(child.write(as_bytes("x")), FailsWith(ErrorCode::kIo, "Broken pipe"));
  EXPECT_TRUE(child.has_stopped_reading());
  sigset_t pending;
  ASSERT_EQ(::sigpending(&pending), 0);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
}

TEST(ChildProcessTest, MuchOnStandardErrorNeitherBlocksNorPilesUp) {
  const Operation operation;
  ASSERT_OK_AND_ASSIGN(
      child, ChildProcess::spawn(shell("head -c 300000 /dev/zero | tr '\\0' e >&2; echo end >&2; "
                                       "echo out"),
                                 operation));
  ASSERT_OK_AND_ASSIGN(text, read_everything(child));
  EXPECT_EQ(text, "out\n");
  ASSERT_THAT(child.wait(), IsOk());
  EXPECT_EQ(child.stderr_tail().size(), 4096u);
  EXPECT_TRUE(child.stderr_tail().ends_with("eend\n"));
}

TEST(ChildProcessTest, WaitingForOneThatIsStillWritingEndsIt) {
  const Operation operation;
  ASSERT_OK_AND_ASSIGN(child, ChildProcess::spawn(shell("exec cat /dev/zero"), operation));
  ASSERT_OK_AND_ASSIGN(how, child.wait());
  EXPECT_EQ(how.signal, SIGPIPE);
  EXPECT_FALSE(how.ok());
}

TEST(ChildProcessTest, CancellationInterruptsReadingWritingAndWaiting) {
  std::atomic<bool> cancel = false;
  const Operation operation{.report = {}, .cancel = &cancel};
  ASSERT_OK_AND_ASSIGN(child, ChildProcess::spawn(shell("tail -f /dev/null", true), operation));
  ASSERT_OK_AND_ASSIGN(other,
                       ChildProcess::spawn(shell("exec tail -f /dev/null", true), operation));
  const Clock::time_point start = Clock::now();
  WatchedThread watched_reader;
  WatchedThread watched_writer;
  std::thread canceller([&] {
    watched_reader.await_blocked();
    watched_writer.await_blocked();
    cancel = true;
  });
  std::thread writer([&] {
    const std::string much(4 << 20, 'x');
    watched_writer.begin();
    EXPECT_THAT(other.write(as_bytes(much)), FailsWith(ErrorCode::kInterrupted));
    EXPECT_THAT(other.wait(), FailsWith(ErrorCode::kInterrupted));
  });
  std::array<std::byte, 10> piece{};
  watched_reader.begin();
  EXPECT_THAT(child.read(piece), FailsWith(ErrorCode::kInterrupted));
  writer.join();
  canceller.join();
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(20));
  EXPECT_THAT(ChildProcess::spawn(shell("true"), operation), FailsWith(ErrorCode::kInterrupted));
}

TEST(ChildProcessTest, DestructionKillsTheWholeGroup) {
  const Operation operation;
  const TempDirectory directory;
  const std::string fifo = directory / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const Descriptor read_end(::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  {
    ASSERT_OK_AND_ASSIGN(
        child,
        ChildProcess::spawn(shell("exec 3>'" + fifo + "'; tail -f /dev/null & echo ready; wait"),
                            operation));
    ChildOutput output(child);
    ASSERT_OK_AND_ASSIGN(line, output.line());
    ASSERT_TRUE(line.has_value());
  }
  // The FIFO hangs up once the grandchild, which is init's now, has ended too.
  pollfd at_end{.fd = read_end.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&at_end, 1, 60'000), 1) << "still running";
  EXPECT_NE(at_end.revents & POLLHUP, 0);
}

TEST(ChildProcessTest, AProgramThatIsNotThereIsAnError) {
  const Operation operation;
  ChildCommand command = shell("true");
  command.program = "/nonexistent/program";
  EXPECT_THAT(ChildProcess::spawn(command, operation),
              FailsWith(ErrorCode::kIo, "cannot start /nonexistent/program: No such file"));
  command = shell("true");
  command.directory = "/nonexistent";
  EXPECT_THAT(ChildProcess::spawn(command, operation), FailsWith(ErrorCode::kIo));
}

TEST(ChildOutputTest, GivesLinesAndPiecesInTurn) {
  const Operation operation;
  ASSERT_OK_AND_ASSIGN(child,
                       ChildProcess::spawn(shell("printf 'one\\n\\nabcdefthree'"), operation));
  ChildOutput output(child);
  EXPECT_EQ(output.line().value(), "one");
  EXPECT_EQ(output.line().value(), "");
  std::array<std::byte, 4> piece{};
  EXPECT_EQ(output.read(piece).value(), 4u);
  EXPECT_EQ(as_text(piece), "abcd");
  EXPECT_TRUE(output.skip(2).value());
  EXPECT_EQ(output.line().value(), "three");
  EXPECT_EQ(output.line().value(), std::nullopt);
  EXPECT_EQ(output.read(piece).value(), 0u);
  EXPECT_FALSE(output.skip(1).value());
}

TEST(ChildOutputTest, OfALineLongerThanTheBufferOnlyTheBeginningIsGiven) {
  const Operation operation;
  ASSERT_OK_AND_ASSIGN(
      child, ChildProcess::spawn(shell("printf begin; head -c 1000000 /dev/zero | tr '\\0' x; "
                                       "printf '\\nnext\\n'"),
                                 operation));
  ChildOutput output(child);
  ASSERT_OK_AND_ASSIGN(line, output.line());
  ASSERT_TRUE(line.has_value());
  EXPECT_TRUE(line->starts_with("beginxxx"));
  EXPECT_GE(line->size(), 100'000u);
  EXPECT_EQ(output.line().value(), "next");
  EXPECT_EQ(output.line().value(), std::nullopt);
}

}  // namespace
}  // namespace bale
