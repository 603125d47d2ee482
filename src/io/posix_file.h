// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// An open file of the operating system, and helpers for system calls: an owning descriptor, retries
// after a signal, errors with the system's message.

#pragma once

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "bale/file_system.h"

namespace bale {

/// Owns a descriptor and closes it. Move-only; may be empty (-1).
class Descriptor {
 public:
  Descriptor() = default;

  explicit Descriptor(int fd) : fd_(fd) {}

  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();

  [[nodiscard]] int get() const { return fd_; }

  /// Transfers the descriptor to the caller, who closes it.
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

/// Repeats the call while a signal interrupts it.
template <typename Call>
auto retry_interrupted(Call call) {
  for (;;) {
    const auto result = call();
    if (result != -1 || errno != EINTR) return result;
  }
}

/// "cannot open PATH: Permission denied". kNotFound for ENOENT and ENOTDIR, otherwise kIo.
/// Thread-safe.
[[nodiscard]] Error system_error(int error_number, std::string_view action, std::string_view path);

/// A regular file behind a descriptor. See File.
class PosixFile final : public File {
 public:
  /// `linkable`: it has no name yet, and the system can give it one (O_TMPFILE).
  PosixFile(Descriptor descriptor, std::string path, bool linkable)
      : descriptor_(std::move(descriptor)), path_(std::move(path)), linkable_(linkable) {}

  Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) override;
  Result<void> write_at(std::uint64_t offset, Bytes data) override;
  Result<std::uint64_t> size() override;
  Result<void> truncate(std::uint64_t size) override;
  Result<void> sync() override;
  Result<std::unique_ptr<Mapping>> map() override;

  [[nodiscard]] const std::string& path() const override { return path_; }

  [[nodiscard]] int fd() const { return descriptor_.get(); }

  [[nodiscard]] bool linkable() const { return linkable_; }

 private:
  Descriptor descriptor_;
  std::string path_;
  bool linkable_;
};

/// create_unnamed() for file systems without O_TMPFILE: unlinks the file after creating it, so it
/// can never get a name again.
[[nodiscard]] Result<std::unique_ptr<File>> create_unlinked_file(const std::string& directory);

}  // namespace bale
