// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "io/stream.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <string_view>

#include "base/error.h"
#include "base/try.h"
#include "io/posix_file.h"

namespace bale {
namespace {

/// The longest delay in noticing a cancel flag.
constexpr int kPollMilliseconds = 100;

constexpr std::string_view kClosedPipe = "closed pipe";

bool is_set(const std::atomic<bool>* flag) {
  return flag != nullptr && flag->load(std::memory_order_relaxed);
}

Error interrupted(std::string_view action, const std::string& name) {
  return fail(ErrorCode::kInterrupted, "interrupted while waiting to {} {}", action, name);
}

/// Waits until the descriptor can be read or written, has ended or has failed: the next call shows
/// which.
Result<void> wait(int fd, short events, const std::atomic<bool>* cancel, std::string_view action,
                  const std::string& name) {
  for (;;) {
    if (is_set(cancel)) return interrupted(action, name);
    pollfd waiting = {.fd = fd, .events = events, .revents = 0};
    const int ready = ::poll(&waiting, 1, cancel != nullptr ? kPollMilliseconds : -1);
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return system_error(errno, action, name);
  }
}

bool would_block(int error_number) {
  // EWOULDBLOCK equals EAGAIN on Linux.
  return error_number == EAGAIN;
}

std::size_t largest_piece(int fd, const std::atomic<bool>* cancel) {
  struct stat info = {};

  const bool may_block = ::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode);
  // poll() promises room for this much in a pipe: a larger write may block without noticing the
  // flag.
  if (cancel != nullptr && may_block) return PIPE_BUF;
  return SSIZE_MAX;
}

}  // namespace

bool is_closed_pipe(const Error& error) {
  return error.code == ErrorCode::kIo && std::string_view(error.message).ends_with(kClosedPipe);
}

Result<std::size_t> FdInputStream::read(MutableBytes out) {
  if (out.empty()) return std::size_t{0};
  if (cancel_ != nullptr) TRY(wait(fd_, POLLIN, cancel_, "read", name_));
  for (;;) {
    const ssize_t got = ::read(fd_, out.data(), out.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR && !would_block(errno)) return system_error(errno, "read", name_);
    TRY(wait(fd_, POLLIN, cancel_, "read", name_));
  }
}

FdOutputStream::FdOutputStream(int fd, std::string name, const std::atomic<bool>* cancel)
    : fd_(fd), name_(std::move(name)), cancel_(cancel), piece_bytes_(largest_piece(fd, cancel)) {}

Result<void> FdOutputStream::write(Bytes data) {
  while (!data.empty()) {
    if (cancel_ != nullptr) TRY(wait(fd_, POLLOUT, cancel_, "write", name_));
    const ssize_t put = ::write(fd_, data.data(), std::min(data.size(), piece_bytes_));
    if (put >= 0) {
      data = data.subspan(static_cast<std::size_t>(put));
      continue;
    }
    if (errno == EPIPE) {
      return fail(ErrorCode::kIo, "cannot write {}: {}", name_, kClosedPipe);
    }
    if (errno != EINTR && !would_block(errno)) return system_error(errno, "write", name_);
    TRY(wait(fd_, POLLOUT, cancel_, "write", name_));
  }
  return {};
}

Result<std::size_t> FileInputStream::read(MutableBytes out) {
  const std::uint64_t wanted = std::min<std::uint64_t>(out.size(), range_.size);
  if (wanted == 0) return std::size_t{0};
  const std::size_t got = TRY(file_.read_at(range_.offset, out.first(wanted)));
  range_.offset += got;
  range_.size -= got;
  return got;
}

}  // namespace bale
