// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Starting, feeding, reading and ending a child process.
//
// fork and execve, with everything prepared before the fork: the child of a process with threads
// may only make async-signal-safe calls, so it does not allocate or search PATH. Our ends of the
// pipes are nonblocking; poll waits in slices, so that a cancellation is noticed.

#include "git/child/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <ctime>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/try.h"
#include "io/posix_file.h"

namespace bale {
namespace {

constexpr int kPollMilliseconds = 50;
constexpr int kPipeBytes = 1 << 20;
constexpr std::size_t kStderrTailBytes = 4096;

std::string system_words(int error) {
  return std::generic_category().message(error);
}

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

// Both ends are close-on-exec and above the standard descriptors, so that the child can place its
// own there whichever we had open.
Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail(ErrorCode::kIo, "cannot make a pipe: {}", system_words(errno));
  }
  Pipe pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
  for (UniqueFd* end : {&pipe.read_end, &pipe.write_end}) {
    if (end->get() > STDERR_FILENO) continue;
    *end = UniqueFd(::fcntl(end->get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!end->is_open()) {
      return fail(ErrorCode::kIo, "cannot make a pipe: {}", system_words(errno));
    }
  }
  return pipe;
}

// Larger pipes mean fewer context switches. The system may refuse.
void enlarge(const UniqueFd& fd) {
  static_cast<void>(::fcntl(fd.get(), F_SETPIPE_SZ, kPipeBytes));
}

void make_nonblocking(const UniqueFd& fd) {
  const int flags = ::fcntl(fd.get(), F_GETFL);
  CHECK(flags >= 0 && ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) == 0);
}

std::vector<char*> c_strings(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (std::string& string : strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

// The child's data, prepared before the fork.
struct Launch {
  const char* program;
  char* const* arguments;
  char* const* environment;
  const char* directory;
  int in;
  int out;
  int err;
  int status;
  pid_t parent;
};

[[noreturn]] void report_and_exit(int status_fd) {
  const int error = errno;
  static_cast<void>(!::write(status_fd, &error, sizeof(error)));
  ::_exit(127);
}

// Runs in the child, with all signals blocked, and only async-signal-safe calls.
[[noreturn]] void run_child(const Launch& launch) {
  if (::setpgid(0, 0) != 0) report_and_exit(launch.status);
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) report_and_exit(launch.status);
  // The parent may have died before the prctl().
  if (::getppid() != launch.parent) ::_exit(127);
  if (::dup2(launch.in, STDIN_FILENO) < 0 || ::dup2(launch.out, STDOUT_FILENO) < 0 ||
      ::dup2(launch.err, STDERR_FILENO) < 0 || ::chdir(launch.directory) != 0) {
    report_and_exit(launch.status);
  }
  // Closes descriptors that other libraries opened without CLOEXEC. Best effort: ours have it.
  static_cast<void>(::close_range(STDERR_FILENO + 1, UINT_MAX, CLOSE_RANGE_CLOEXEC));

  struct sigaction defaults {};

  defaults.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) {
    // SIGKILL, SIGSTOP and the C library's own refuse; that is fine.
    static_cast<void>(::sigaction(signal, &defaults, nullptr));
  }
  sigset_t none;
  sigemptyset(&none);
  static_cast<void>(::pthread_sigmask(SIG_SETMASK, &none, nullptr));
  ::execve(launch.program, launch.arguments, launch.environment);
  report_and_exit(launch.status);
}

// Signals stay blocked from before the fork until the child has the default handlers: ours must not
// run in the child.
pid_t fork_child(const Launch& launch) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  CHECK(::pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
  const pid_t pid = ::fork();
  if (pid == 0) run_child(launch);
  const int error = errno;
  CHECK(::pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
  errno = error;
  return pid;
}

// Blocks SIGPIPE in this thread and discards one raised by a write here; an earlier pending one
// stays pending. (MSG_NOSIGNAL is for sockets only, and the process's handler belongs to the
// caller.)
class SigpipeGuard {
 public:
  SigpipeGuard() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    CHECK(::sigpending(&pending) == 0);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    CHECK(::pthread_sigmask(SIG_BLOCK, &pipe_, &before_) == 0);
  }

  SigpipeGuard(const SigpipeGuard&) = delete;
  SigpipeGuard& operator=(const SigpipeGuard&) = delete;

  ~SigpipeGuard() {
    const timespec now{};
    if (!was_pending_) {
      while (::sigtimedwait(&pipe_, nullptr, &now) < 0 && errno == EINTR) {
      }
    }
    CHECK(::pthread_sigmask(SIG_SETMASK, &before_, nullptr) == 0);
  }

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

// 0 if the child reached execve, else its errno.
int wait_for_exec(const UniqueFd& status) {
  int error = 0;
  const ssize_t got =
      retry_interrupted([&] { return ::read(status.get(), &error, sizeof(error)); });
  return got == static_cast<ssize_t>(sizeof(error)) ? error : 0;
}

}  // namespace

Result<ChildProcess> ChildProcess::spawn(const ChildCommand& command, const Operation& operation) {
  ChildProcess child(operation);
  if (operation.cancelled()) return child.interrupted();
  child.name_ = command.program;
  Pipe out = TRY(make_pipe());
  Pipe err = TRY(make_pipe());
  Pipe status = TRY(make_pipe());
  Pipe in;
  if (command.with_stdin) {
    in = TRY(make_pipe());
    enlarge(in.write_end);
  } else {
    in.read_end =
        UniqueFd(retry_interrupted([] { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }));
    if (!in.read_end.is_open()) {
      return fail(ErrorCode::kIo, "cannot open /dev/null: {}", system_words(errno));
    }
  }
  enlarge(out.read_end);

  std::vector<std::string> arguments = {command.program};
  arguments.insert(arguments.end(), command.arguments.begin(), command.arguments.end());
  std::vector<std::string> environment = command.environment;
  const std::vector<char*> argv = c_strings(arguments);
  const std::vector<char*> envp = c_strings(environment);
  const Launch launch{.program = command.program.c_str(),
                      .arguments = argv.data(),
                      .environment = envp.data(),
                      .directory = command.directory.c_str(),
                      .in = in.read_end.get(),
                      .out = out.write_end.get(),
                      .err = err.write_end.get(),
                      .status = status.write_end.get(),
                      .parent = ::getpid()};
  child.pid_ = fork_child(launch);
  if (child.pid_ < 0) {
    return fail(ErrorCode::kIo, "cannot start {}: {}", command.program, system_words(errno));
  }
  status.write_end.reset();
  const int exec_error = wait_for_exec(status.read_end);
  if (exec_error != 0) {
    return fail(ErrorCode::kIo, "cannot start {}: {}", command.program, system_words(exec_error));
  }
  child.stdin_ = std::move(in.write_end);
  child.stdout_ = std::move(out.read_end);
  child.stderr_ = std::move(err.read_end);
  if (child.stdin_.is_open()) make_nonblocking(child.stdin_);
  make_nonblocking(child.stdout_);
  make_nonblocking(child.stderr_);
  return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : operation_(other.operation_),
      pid_(std::exchange(other.pid_, -1)),
      stdin_(std::move(other.stdin_)),
      stdout_(std::move(other.stdout_)),
      stderr_(std::move(other.stderr_)),
      stopped_reading_(other.stopped_reading_),
      name_(std::move(other.name_)),
      stderr_tail_(std::move(other.stderr_tail_)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    kill_and_reap();
    operation_ = other.operation_;
    pid_ = std::exchange(other.pid_, -1);
    stdin_ = std::move(other.stdin_);
    stdout_ = std::move(other.stdout_);
    stderr_ = std::move(other.stderr_);
    stopped_reading_ = other.stopped_reading_;
    name_ = std::move(other.name_);
    stderr_tail_ = std::move(other.stderr_tail_);
  }
  return *this;
}

ChildProcess::~ChildProcess() {
  kill_and_reap();
}

void ChildProcess::kill_and_reap() {
  if (pid_ < 0) return;
  // Not reaped yet, so the number cannot have been reused.
  static_cast<void>(::kill(-pid_, SIGKILL));
  static_cast<void>(::kill(pid_, SIGKILL));
  static_cast<void>(retry_interrupted([&] { return ::waitpid(pid_, nullptr, 0); }));
  pid_ = -1;
}

Error ChildProcess::interrupted() const {
  return fail(ErrorCode::kInterrupted, "interrupted");
}

Result<void> ChildProcess::await_output(int fd) {
  if (operation_->cancelled()) return interrupted();
  std::array<pollfd, 2> wanted{{{fd, POLLIN, 0}, {stderr_.get(), POLLIN, 0}}};
  if (::poll(wanted.data(), wanted.size(), kPollMilliseconds) < 0 && errno != EINTR) {
    return fail(ErrorCode::kIo, "cannot wait for {}: {}", name_, system_words(errno));
  }
  // A child blocks while its standard error, also a pipe, is full.
  if (wanted[1].revents != 0) drain_stderr();
  return {};
}

Result<void> ChildProcess::await_room() {
  pollfd wanted{stdin_.get(), POLLOUT, 0};
  if (::poll(&wanted, 1, kPollMilliseconds) < 0 && errno != EINTR) {
    return fail(ErrorCode::kIo, "cannot wait for {}: {}", name_, system_words(errno));
  }
  return {};
}

void ChildProcess::drain_stderr() {
  std::array<char, kStderrTailBytes> piece{};
  while (stderr_.is_open()) {
    const ssize_t got = ::read(stderr_.get(), piece.data(), piece.size());
    if (got > 0) {
      stderr_tail_.append(piece.data(), static_cast<std::size_t>(got));
      if (stderr_tail_.size() > kStderrTailBytes) {
        stderr_tail_.erase(0, stderr_tail_.size() - kStderrTailBytes);
      }
    } else if (got < 0 && errno == EINTR) {
      continue;
    } else if (got < 0 && errno == EAGAIN) {
      return;
    } else {
      stderr_.reset();
    }
  }
}

Result<std::size_t> ChildProcess::read(MutableBytes out) {
  CHECK(stdout_.is_open());
  if (operation_->cancelled()) return interrupted();
  for (;;) {
    const ssize_t got = ::read(stdout_.get(), out.data(), out.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EINTR) continue;
    if (errno != EAGAIN) {
      return fail(ErrorCode::kIo, "cannot read from {}: {}", name_, system_words(errno));
    }
    TRY(await_output(stdout_.get()));
  }
}

Result<void> ChildProcess::write(Bytes data) {
  CHECK(stdin_.is_open());
  const SigpipeGuard guard;
  while (!data.empty()) {
    if (operation_->cancelled()) return interrupted();
    const ssize_t put = ::write(stdin_.get(), data.data(), data.size());
    if (put >= 0) {
      data = data.subspan(static_cast<std::size_t>(put));
    } else if (errno == EAGAIN) {
      TRY(await_room());
    } else if (errno != EINTR) {
      stopped_reading_ = errno == EPIPE;
      return fail(ErrorCode::kIo, "cannot write to {}: {}", name_, system_words(errno));
    }
  }
  return {};
}

std::size_t ChildProcess::stdin_capacity_bytes() const {
  const int capacity = ::fcntl(stdin_.get(), F_GETPIPE_SZ);
  return capacity > 0 ? static_cast<std::size_t>(capacity) : PIPE_BUF;
}

Result<ChildExit> ChildProcess::wait() {
  CHECK(pid_ >= 0);
  stdin_.reset();
  stdout_.reset();
  while (stderr_.is_open()) TRY(await_output(-1));
  // It has closed its last pipe, so it ends soon: a few short naps at most.
  for (int nap_milliseconds = 0;; nap_milliseconds = std::min(nap_milliseconds + 1, 10)) {
    int status = 0;
    rusage usage{};
    const pid_t ended = ::wait4(pid_, &status, WNOHANG, &usage);
    if (ended == pid_) {
      pid_ = -1;
      ChildExit how;
      how.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
      how.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
      how.peak_rss_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
      return how;
    }
    if (ended < 0 && errno != EINTR) {
      const int error = errno;
      pid_ = -1;
      return fail(ErrorCode::kIo, "cannot wait for {}: {}", name_, system_words(error));
    }
    if (operation_->cancelled()) return interrupted();
    static_cast<void>(::poll(nullptr, 0, nap_milliseconds));
  }
}

}  // namespace bale
