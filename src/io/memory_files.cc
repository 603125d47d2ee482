// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "io/memory_files.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "base/error.h"

namespace bale {
namespace {

// A larger offset is a mistake, not a request for that much memory.
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 40;

class CopiedMapping final : public Mapping {
 public:
  explicit CopiedMapping(std::vector<std::byte> content) : content_(std::move(content)) {}

  [[nodiscard]] Bytes bytes() const override { return content_; }

  void release_pages() override {}

 private:
  std::vector<std::byte> content_;
};

class VectorFile final : public File {
 public:
  Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) override {
    const std::lock_guard guard(mutex_);
    if (offset >= content_.size()) return std::size_t{0};
    const Bytes rest = Bytes(content_).subspan(offset);
    const Bytes from = rest.first(std::min(rest.size(), out.size()));
    std::copy(from.begin(), from.end(), out.begin());
    return from.size();
  }

  Result<void> write_at(std::uint64_t offset, Bytes data) override {
    if (offset > kMaxFileBytes || data.size() > kMaxFileBytes - offset) return too_large();
    const std::lock_guard guard(mutex_);
    if (content_.size() < offset + data.size()) content_.resize(offset + data.size());
    std::copy(data.begin(), data.end(), content_.begin() + static_cast<std::ptrdiff_t>(offset));
    return {};
  }

  Result<std::uint64_t> size() override {
    const std::lock_guard guard(mutex_);
    return std::uint64_t{content_.size()};
  }

  Result<void> truncate(std::uint64_t size) override {
    if (size > kMaxFileBytes) return too_large();
    const std::lock_guard guard(mutex_);
    content_.resize(size);
    return {};
  }

  Result<void> sync() override { return {}; }

  Result<std::unique_ptr<Mapping>> map() override {
    const std::lock_guard guard(mutex_);
    return std::unique_ptr<Mapping>(std::make_unique<CopiedMapping>(content_));
  }

  [[nodiscard]] const std::string& path() const override { return path_; }

 private:
  [[nodiscard]] Error too_large() const {
    return fail(ErrorCode::kIo, "cannot write {}: the file would be too large", path_);
  }

  std::mutex mutex_;
  std::vector<std::byte> content_;
  const std::string path_ = "a file in memory";
};

class MemoryFiles final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> create_unnamed(const std::string& /*directory*/) override {
    return std::unique_ptr<File>(std::make_unique<VectorFile>());
  }

  Result<std::unique_ptr<File>> open(const std::string& path) override { return no_names(path); }

  Result<std::unique_ptr<File>> create(const std::string& path, CreateMode /*mode*/) override {
    return no_names(path);
  }

  Result<void> link_unnamed(File& /*file*/, const std::string& path) override {
    return no_names(path);
  }

  Result<void> rename(const std::string& from, const std::string& /*to*/) override {
    return no_names(from);
  }

  Result<void> remove_file(const std::string& path) override { return no_names(path); }

  Result<void> create_directory(const std::string& path) override { return no_names(path); }

  Result<void> remove_directory(const std::string& path) override { return no_names(path); }

  Result<std::vector<DirectoryEntry>> list(const std::string& path) override {
    return no_names(path);
  }

  Result<FileInfo> stat(const std::string& path) override { return no_names(path); }

  Result<void> sync_directory(const std::string& path) override { return no_names(path); }

  Result<void> create_symlink(const std::string& /*target*/, const std::string& path) override {
    return no_names(path);
  }

  Result<void> set_executable(const std::string& path) override { return no_names(path); }

  Result<std::unique_ptr<FileLock>> try_lock(const std::string& path, LockMode /*mode*/) override {
    return no_names(path);
  }

 private:
  static Error no_names(const std::string& path) {
    return fail(ErrorCode::kUnsupported, "{}: files in memory have no names", path);
  }
};

}  // namespace

std::unique_ptr<FileSystem> make_memory_files() {
  return std::make_unique<MemoryFiles>();
}

}  // namespace bale
