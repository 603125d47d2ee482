// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A library for LD_PRELOAD that intercepts a program's calls of the C library on files, pipes and
// children, in all threads, counts them, and makes some fail as the operating system may. Used by
// system_faults_test.py.
//
//   SYSTEM_FAULT_KIND   none (the default), or one of
//     eintr    the call is interrupted before it did anything
//     short    read, write, pread, pwrite move fewer bytes than they were asked for
//     eio      the call fails
//     enospc   a call that may need room on the disk fails
//     kill     the program is killed before the call
//   SYSTEM_FAULT_AT     at which call, of those that the kind can hit; the first is 1
//   SYSTEM_FAULT_LASTS  once (the default), or always: from that call on. An interrupted call goes
//                       through when its thread makes it again, or no loop would ever end.
//   SYSTEM_FAULT_MOST   short: how many bytes at most
//   SYSTEM_FAULT_LOG    a file that gets lines of two words: "first CALL" when a call is hit for
//   the
//                       first time; when the program ends, "KIND COUNT" for each kind, how many
//                       calls it can hit, and "hit COUNT", how many were hit
//
// Only the program gets the library, not its children.

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

enum Kind : std::size_t { kEintr, kShort, kEio, kEnospc, kKill, kNone };

constexpr std::array<const char*, kNone> kKindNames = {"eintr", "short", "eio", "enospc", "kill"};

/// The faults of a call besides a kill: bits.
enum Trait : unsigned {
  kWaits = 1U << kEintr,
  kMovesBytes = 1U << kShort,
  kFails = 1U << kEio,
  kNeedsRoom = 1U << kEnospc,
};

/// An intercepted function of the C library.
class Call {
 public:
  explicit Call(const char* name) : name_(name), bit_(std::uint64_t{1} << calls_++) {}

  [[nodiscard]] const char* name() const { return name_; }

  /// Alternates between false and true, for each thread.
  [[nodiscard]] bool goes_through_now() const {
    static thread_local std::uint64_t interrupted = 0;
    interrupted ^= bit_;
    return (interrupted & bit_) == 0;
  }

 private:
  static inline std::atomic<unsigned> calls_ = 0;
  const char* name_;
  std::uint64_t bit_;
};

class Faults {
 public:
  Faults() : log_(variable("SYSTEM_FAULT_LOG")) {
    const std::string kind = variable("SYSTEM_FAULT_KIND");
    kind_ = static_cast<Kind>(std::find(kKindNames.begin(), kKindNames.end(), kind) -
                              kKindNames.begin());
    always_ = variable("SYSTEM_FAULT_LASTS") == "always";
    at_ = number("SYSTEM_FAULT_AT");
    most_bytes_ = std::max<std::uint64_t>(number("SYSTEM_FAULT_MOST"), 1);
    static_cast<void>(::unsetenv("LD_PRELOAD"));
  }

  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;

  ~Faults() {
    for (std::size_t kind = 0; kind < kNone; ++kind) log(kKindNames[kind], counts_[kind]);
    log("hit", hits_);
  }

  /// Counts a call; returns whether the fault hits it.
  bool hits(const Call& call, unsigned traits) {
    bool hit = false;
    for (std::size_t kind = 0; kind < kNone; ++kind) {
      if (kind != kKill && (traits & (1U << kind)) == 0) continue;
      const std::uint64_t number = ++counts_[kind];
      if (kind == kind_) hit = number == at_ || (always_ && number > at_);
    }
    if (!hit || (kind_ == kEintr && call.goes_through_now())) return false;
    if (hits_++ == 0) log("first", call.name());
    if (kind_ == kKill) static_cast<void>(::kill(::getpid(), SIGKILL));
    return true;
  }

  [[nodiscard]] bool are_short() const { return kind_ == kShort; }

  /// At least one byte, at most the allowed number, and fewer than `size`, which is above one.
  [[nodiscard]] std::size_t short_of(std::size_t size) const {
    const std::uint64_t mixed = (hits_ + at_) * 0x9e3779b97f4a7c15U >> 32U;
    return 1 + mixed % std::min<std::uint64_t>(size - 1, most_bytes_);
  }

  [[nodiscard]] int error() const {
    return kind_ == kEintr ? EINTR : kind_ == kEnospc ? ENOSPC : EIO;
  }

 private:
  static std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
  }

  static std::uint64_t number(const char* name) {
    return std::strtoull(variable(name).c_str(), nullptr, 10);
  }

  void log(const char* key, const std::string& value) const {
    if (log_.empty()) return;
    // The C library's own calls are not intercepted.
    std::FILE* file = std::fopen(log_.c_str(), "a");
    if (file == nullptr) return;
    std::fprintf(file, "%s %s\n", key, value.c_str());
    static_cast<void>(std::fclose(file));
  }

  void log(const char* key, std::uint64_t value) const { log(key, std::to_string(value)); }

  std::string log_;
  Kind kind_;
  bool always_;
  std::uint64_t at_;
  std::uint64_t most_bytes_;
  std::array<std::atomic<std::uint64_t>, kNone> counts_ = {};
  std::atomic<std::uint64_t> hits_ = 0;
};

Faults faults;

/// The C library's function.
template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

/// The program's message about the fault must arrive.
unsigned traits_of(int fd, unsigned traits) {
  return fd == STDERR_FILENO ? traits & ~(kFails | kNeedsRoom) : traits;
}

bool creates(int flags) {
  return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

mode_t mode_of(int flags, va_list arguments) {
  return creates(flags) ? va_arg(arguments, mode_t) : 0;
}

unsigned traits_of_open(int flags) {
  return kWaits | kFails | (creates(flags) ? kNeedsRoom : 0U);
}

/// read, write, pread, pwrite: the number of bytes to move, 0 if the call fails.
std::size_t moved(const Call& call, int fd, std::size_t size, unsigned traits) {
  const unsigned can_be_short = size > 1 ? kMovesBytes : 0U;
  if (!faults.hits(call, traits_of(fd, traits | kWaits | kFails | can_be_short))) return size;
  if (faults.are_short()) return faults.short_of(size);
  errno = faults.error();
  return 0;
}

}  // namespace

// Fails with `failure`, or calls the C library.
#define PASS_ON(function, traits, failure, ...)                    \
  static auto* const next = real<decltype(::function)>(#function); \
  static const Call call(#function);                               \
  if (!faults.hits(call, traits)) return next(__VA_ARGS__);        \
  errno = faults.error();                                          \
  return failure

#define MOVE(function, traits, fd, memory, size, ...)              \
  static auto* const next = real<decltype(::function)>(#function); \
  static const Call call(#function);                               \
  const std::size_t wanted = moved(call, fd, size, traits);        \
  if (wanted == 0 && size != 0) return -1;                         \
  return next(fd, memory, wanted __VA_OPT__(, ) __VA_ARGS__)

extern "C" {

ssize_t read(int fd, void* memory, std::size_t size) {
  MOVE(read, 0, fd, memory, size);
}

ssize_t pread(int fd, void* memory, std::size_t size, off_t offset) {
  MOVE(pread, 0, fd, memory, size, offset);
}

ssize_t write(int fd, const void* memory, std::size_t size) {
  MOVE(write, kNeedsRoom, fd, memory, size);
}

ssize_t pwrite(int fd, const void* memory, std::size_t size, off_t offset) {
  MOVE(pwrite, kNeedsRoom, fd, memory, size, offset);
}

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  PASS_ON(open, traits_of_open(flags), -1, path, flags, mode);
}

int openat(int directory, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  PASS_ON(openat, traits_of_open(flags), -1, directory, path, flags, mode);
}

int close(int fd) {
  static auto* const next = real<decltype(::close)>("close");
  static const Call call("close");
  const bool hit = faults.hits(call, kWaits | kFails);
  const int status = next(fd);  // Linux closes whatever it says
  if (!hit) return status;
  errno = faults.error();
  return -1;
}

int fsync(int fd) {
  PASS_ON(fsync, kWaits | kFails | kNeedsRoom, -1, fd);
}

int fdatasync(int fd) {
  PASS_ON(fdatasync, kWaits | kFails | kNeedsRoom, -1, fd);
}

int ftruncate(int fd, off_t size) noexcept {
  PASS_ON(ftruncate, kWaits | kFails | kNeedsRoom, -1, fd, size);
}

int flock(int fd, int operation) noexcept {
  PASS_ON(flock, kWaits | kFails, -1, fd, operation);
}

int rename(const char* from, const char* to) noexcept {
  PASS_ON(rename, kFails | kNeedsRoom, -1, from, to);
}

int linkat(int from_directory, const char* from, int to_directory, const char* to,
           int flags) noexcept {
  PASS_ON(linkat, kFails | kNeedsRoom, -1, from_directory, from, to_directory, to, flags);
}

int symlink(const char* target, const char* path) noexcept {
  PASS_ON(symlink, kFails | kNeedsRoom, -1, target, path);
}

int unlink(const char* path) noexcept {
  PASS_ON(unlink, kFails, -1, path);
}

int unlinkat(int directory, const char* path, int flags) noexcept {
  PASS_ON(unlinkat, kFails, -1, directory, path, flags);
}

int mkdir(const char* path, mode_t mode) noexcept {
  PASS_ON(mkdir, kFails | kNeedsRoom, -1, path, mode);
}

char* mkdtemp(char* path) noexcept {
  PASS_ON(mkdtemp, kFails | kNeedsRoom, nullptr, path);
}

int rmdir(const char* path) noexcept {
  PASS_ON(rmdir, kFails, -1, path);
}

dirent* readdir(DIR* stream) {
  PASS_ON(readdir, kFails, nullptr, stream);
}

int stat(const char* path, struct stat* info) noexcept {
  PASS_ON(stat, kFails, -1, path, info);
}

int lstat(const char* path, struct stat* info) noexcept {
  PASS_ON(lstat, kFails, -1, path, info);
}

int fstat(int fd, struct stat* info) noexcept {
  PASS_ON(fstat, kFails, -1, fd, info);
}

/// For files only: refused memory has its own tests.
void* mmap(void* address, std::size_t size, int protection, int flags, int fd,
           off_t offset) noexcept {
  PASS_ON(mmap, fd >= 0 ? kFails : 0U, MAP_FAILED, address, size, protection, flags, fd, offset);
}

int poll(pollfd* fds, nfds_t count, int milliseconds) {
  PASS_ON(poll, kWaits | kFails, -1, fds, count, milliseconds);
}

int pipe2(int* ends, int flags) noexcept {
  PASS_ON(pipe2, kFails, -1, ends, flags);
}

pid_t fork() noexcept {
  PASS_ON(fork, kFails, -1);
}

pid_t waitpid(pid_t pid, int* status, int options) {
  PASS_ON(waitpid, kWaits, -1, pid, status, options);
}

pid_t wait4(pid_t pid, int* status, int options, rusage* usage) noexcept {
  PASS_ON(wait4, kWaits, -1, pid, status, options, usage);
}

}  // extern "C"
