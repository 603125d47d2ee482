// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A child process with pipes that never outlives its parent.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "bale/bytes.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "git/child/unique_fd.h"

namespace bale {

/// How a child ended.
struct ChildExit {
  int exit_code = 0;  ///< its exit status, or -1 if a signal ended it
  int signal = 0;     ///< the signal that ended it, or 0
  /// Its peak memory by the system's count. At least this process's memory at the start of the
  /// child, which begins as a copy.
  std::uint64_t peak_rss_bytes = 0;

  [[nodiscard]] bool ok() const { return exit_code == 0; }
};

struct ChildCommand {
  std::string program;                   ///< an absolute path, without search
  std::vector<std::string> arguments;    ///< without the program's own name
  std::vector<std::string> environment;  ///< complete, "NAME=value": nothing is inherited
  std::string directory;                 ///< where it runs
  bool with_stdin = false;               ///< a pipe that write() feeds; else /dev/null
};

/// A running child. Its standard output is read with read(), its standard error is kept (the last
/// 4 KiB), its standard input is written with write().
///
/// It runs in its own process group, so a Ctrl-C on the terminal reaches only the parent; it
/// inherits only the three standard descriptors; and it is killed when this is destroyed, when the
/// thread that started it ends, or when the parent dies. That thread must therefore outlive it.
///
/// One thread may read (and wait) while another writes; otherwise not thread-safe. Every call that
/// may block returns kInterrupted within 100 ms of a cancellation. Memory: 4 KiB, and up to 1 MiB
/// of the kernel's for each pipe.
class ChildProcess {
 public:
  /// Starts it. kIo if that fails, with the system's message. `operation` must outlive the child.
  [[nodiscard]] static Result<ChildProcess> spawn(const ChildCommand& command,
                                                  const Operation& operation);

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Kills it if it still runs, and reaps it.
  ~ChildProcess();

  /// Waits for output and returns the number of bytes read; 0 at the end.
  Result<std::size_t> read(MutableBytes out);

  /// Writes all of `data`, waiting while the pipe is full. A child that stopped reading is a kIo
  /// (and never a SIGPIPE).
  Result<void> write(Bytes data);

  /// Whether a write() failed because the child had stopped reading. For the writing thread.
  [[nodiscard]] bool has_stopped_reading() const { return stopped_reading_; }

  /// Ends the child's input.
  void close_stdin() { stdin_.reset(); }

  /// The capacity of the pipe to the child, before write() waits.
  [[nodiscard]] std::size_t stdin_capacity_bytes() const;

  /// Closes both pipes and waits until the child has ended. Call it once.
  Result<ChildExit> wait();

  /// The end of its standard error, as far as read() and wait() have read it.
  [[nodiscard]] const std::string& stderr_tail() const { return stderr_tail_; }

 private:
  explicit ChildProcess(const Operation& operation) : operation_(&operation) {}

  [[nodiscard]] Error interrupted() const;
  void kill_and_reap();
  Result<void> await_output(int fd);
  Result<void> await_room();
  void drain_stderr();

  const Operation* operation_;
  pid_t pid_ = -1;
  UniqueFd stdin_;
  UniqueFd stdout_;
  UniqueFd stderr_;
  bool stopped_reading_ = false;
  std::string name_;  // for messages
  std::string stderr_tail_;
};

}  // namespace bale
