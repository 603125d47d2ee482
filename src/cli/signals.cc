// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Handlers only set flags, write(2) a prepared message, and _exit(2): these calls are
// async-signal-safe.
//
// SIGBUS: the library maps indexes, and access to a map of a truncated file faults. The handler
// prints the file and ends the program. Files being written are left as after a kill: under a
// temporary name, or without any.

#include "cli/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <string>

#include "bale/result.h"
#include "base/check.h"
#include "cli/errors.h"
#include "io/posix_file.h"

namespace bale::cli {
namespace {

std::atomic<bool> cancelled = false;
std::atomic<int> signal_seen = 0;

static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

// A message that a handler may print.
struct PreparedText {
  std::array<char, 4096> bytes;
  std::size_t size = 0;

  void set(std::string_view text) { size = text.copy(bytes.data(), bytes.size()); }

  void write_to(int fd) const {
    std::size_t done = 0;
    while (done < size) {
      const ssize_t put =
          retry_interrupted([&] { return ::write(fd, bytes.data() + done, size - done); });
      if (put <= 0) return;  // a failure cannot be reported
      done += static_cast<std::size_t>(put);
    }
  }
};

PreparedText map_error_line;
PreparedText map_error_json;

extern "C" void on_stop(int signal_number) {
  if (cancelled.exchange(true)) ::_exit(128 + signal_number);
  signal_seen.store(signal_number);
}

extern "C" void on_lost_page(int signal_number, siginfo_t* info, void* /*context*/) {
  if (info->si_code != BUS_ADRERR) {
    // Not a truncated file: the default action, when the instruction runs again.
    struct sigaction action {};

    action.sa_handler = SIG_DFL;
    static_cast<void>(::sigaction(signal_number, &action, nullptr));
    if (info->si_code <= 0) static_cast<void>(::raise(signal_number));
    return;
  }
  map_error_line.write_to(STDERR_FILENO);
  map_error_json.write_to(STDOUT_FILENO);
  ::_exit(exit_status(ErrorCode::kCorrupt));
}

void handle(int signal_number, void (*handler)(int)) {
  struct sigaction action {};

  action.sa_handler = handler;
  // No SA_RESTART: a signal must interrupt waiting for input.
  CHECK(::sigemptyset(&action.sa_mask) == 0);
  CHECK(::sigaction(signal_number, &action, nullptr) == 0);
}

void handle_lost_pages() {
  struct sigaction action {};

  action.sa_sigaction = on_lost_page;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  CHECK(::sigemptyset(&action.sa_mask) == 0);
  CHECK(::sigaction(SIGBUS, &action, nullptr) == 0);
}

bool is_ignored(int signal_number) {
  struct sigaction action {};

  return ::sigaction(signal_number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

void open_missing_streams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // This is the lowest free number. Standard output is opened for reading, so that writes to it
    // fail instead of being lost.
    const int opened = ::open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR);
    CHECK(opened == fd);
  }
}

}  // namespace

void install_signal_handlers() {
  open_missing_streams();
  name_mapped_files("a mapped file", false);
  handle_lost_pages();
  handle(SIGPIPE, SIG_IGN);
  handle(SIGINT, on_stop);
  handle(SIGTERM, on_stop);
  if (!is_ignored(SIGHUP)) handle(SIGHUP, on_stop);  // ignored under nohup
}

const std::atomic<bool>& cancel_flag() {
  return cancelled;
}

int interrupted_status() {
  const int seen = signal_seen.load();
  return 128 + (seen != 0 ? seen : SIGINT);
}

void name_mapped_files(std::string_view where, bool json) {
  const Error error{ErrorCode::kCorrupt,
                    std::string(where) + ": a file became shorter while it was being read"};
  map_error_line.set(error_line(error));
  map_error_json.set(json ? error_json(error) + '\n' : std::string());
}

}  // namespace bale::cli
