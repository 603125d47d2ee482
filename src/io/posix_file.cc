// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Files by pread, pwrite and mmap: no call depends on a file position, so threads can share one.

#include "io/posix_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "base/error.h"
#include "base/try.h"
#include "io/path.h"

namespace bale {
namespace {

class PosixMapping final : public Mapping {
 public:
  PosixMapping(void* memory, std::size_t size) : memory_(memory), size_(size) {}

  PosixMapping(const PosixMapping&) = delete;
  PosixMapping& operator=(const PosixMapping&) = delete;

  ~PosixMapping() override {
    if (memory_ == nullptr) return;
    const int status = ::munmap(memory_, size_);
    CHECK(status == 0);
  }

  [[nodiscard]] Bytes bytes() const override {
    return {static_cast<const std::byte*>(memory_), size_};
  }

  void release_pages() override {
    // Only a hint: if the system ignores it, the pages stay until it needs the memory.
    if (memory_ != nullptr) static_cast<void>(::madvise(memory_, size_, MADV_DONTNEED));
  }

 private:
  void* memory_;
  std::size_t size_;
};

/// The system's positions are signed: larger ones would become negative.
Result<void> require_position(std::uint64_t offset, std::size_t size, const std::string& path) {
  static constexpr std::uint64_t kMaxPosition = std::numeric_limits<off_t>::max();
  if (offset > kMaxPosition || size > kMaxPosition - offset) {
    return fail(ErrorCode::kInvalidArgument, "{}: offset {} is too large for a file", path, offset);
  }
  return {};
}

}  // namespace

Descriptor::~Descriptor() {
  // Not retried after a signal: Linux has closed the descriptor even then. Errors do not matter
  // here: durable bytes were synced before.
  if (fd_ >= 0) static_cast<void>(::close(fd_));
}

Error system_error(int error_number, std::string_view action, std::string_view path) {
  const bool missing = error_number == ENOENT || error_number == ENOTDIR;
  const char* words = ::strerrordesc_np(error_number);
  return fail(missing ? ErrorCode::kNotFound : ErrorCode::kIo, "cannot {} {}: {}", action, path,
              words != nullptr ? words : "an error that has no name");
}

Result<std::size_t> PosixFile::read_at(std::uint64_t offset, MutableBytes out) {
  TRY(require_position(offset, out.size(), path_));
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = retry_interrupted([&] {
      return ::pread(fd(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    });
    if (got < 0) return system_error(errno, "read", path_);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Result<void> PosixFile::write_at(std::uint64_t offset, Bytes data) {
  TRY(require_position(offset, data.size(), path_));
  std::size_t done = 0;
  while (done < data.size()) {
    const ssize_t put = retry_interrupted([&] {
      return ::pwrite(fd(), data.data() + done, data.size() - done,
                      static_cast<off_t>(offset + done));
    });
    if (put < 0) return system_error(errno, "write", path_);
    if (put == 0) return system_error(ENOSPC, "write", path_);  // or this loop would never end
    done += static_cast<std::size_t>(put);
  }
  return {};
}

Result<std::uint64_t> PosixFile::size() {
  struct stat info = {};
  if (::fstat(fd(), &info) != 0) return system_error(errno, "look at", path_);
  return static_cast<std::uint64_t>(info.st_size);
}

Result<void> PosixFile::truncate(std::uint64_t size) {
  TRY(require_position(size, 0, path_));
  const int status = retry_interrupted([&] { return ::ftruncate(fd(), static_cast<off_t>(size)); });
  if (status != 0) return system_error(errno, "set the size of", path_);
  return {};
}

Result<void> PosixFile::sync() {
  if (retry_interrupted([&] { return ::fdatasync(fd()); }) != 0) {
    return system_error(errno, "sync", path_);
  }
  return {};
}

Result<std::unique_ptr<Mapping>> PosixFile::map() {
  const std::uint64_t bytes = TRY(size());
  if (bytes == 0) return std::unique_ptr<Mapping>(std::make_unique<PosixMapping>(nullptr, 0));
  void* memory = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd(), 0);
  if (memory == MAP_FAILED) return system_error(errno, "map", path_);
  return std::unique_ptr<Mapping>(std::make_unique<PosixMapping>(memory, bytes));
}

Result<std::unique_ptr<File>> create_unlinked_file(const std::string& directory) {
  std::string path = join_path(directory, ".bale-scratch-XXXXXX");
  Descriptor descriptor(retry_interrupted([&] { return ::mkostemp(path.data(), O_CLOEXEC); }));
  if (descriptor.get() < 0) return system_error(errno, "create a file in", directory);
  if (::unlink(path.c_str()) != 0) return system_error(errno, "remove", path);
  return std::unique_ptr<File>(
      std::make_unique<PosixFile>(std::move(descriptor), std::move(path), /*linkable=*/false));
}

}  // namespace bale
