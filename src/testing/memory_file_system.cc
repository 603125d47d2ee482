// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Implements FileSystem over a MemoryTree. One mutex guards the whole tree, which is fast enough
// for tests.

#include "testing/memory_file_system.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "io/path.h"
#include "testing/memory_tree.h"

namespace bale {
namespace {

using TreePtr = std::shared_ptr<MemoryTree>;
using Guard = std::lock_guard<std::mutex>;

constexpr std::size_t kSectorBytes = 512;

/// Far above a test's files, and small enough not to end the process.
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 32;

class MemoryMapping final : public Mapping {
 public:
  explicit MemoryMapping(std::shared_ptr<const Content> content) : content_(std::move(content)) {}

  [[nodiscard]] Bytes bytes() const override { return *content_; }

  void release_pages() override {}

 private:
  std::shared_ptr<const Content> content_;
};

class MemoryFile final : public File {
 public:
  enum class Access : std::uint8_t { kRead, kReadAndWrite };

  MemoryFile(TreePtr tree, InodePtr inode, std::string path, Access access)
      : tree_(std::move(tree)), inode_(std::move(inode)), path_(std::move(path)), access_(access) {}

  Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) override {
    const Guard guard(tree_->mutex);
    const Bytes content = *inode_->content;
    if (offset >= content.size() || out.empty()) return std::size_t{0};
    const Bytes from = content.subspan(offset, std::min(out.size(), content.size() - offset));
    std::memcpy(out.data(), from.data(), from.size());
    return from.size();
  }

  Result<void> write_at(std::uint64_t offset, Bytes data) override {
    const Guard guard(tree_->mutex);
    TRY(require_writable());
    if (offset > kMaxFileBytes || data.size() > kMaxFileBytes - offset) return too_large();
    if (data.empty()) return {};
    Content& content = inode_->writable_content();
    if (content.size() < offset + data.size()) content.resize(offset + data.size());
    std::memcpy(content.data() + offset, data.data(), data.size());
    return {};
  }

  Result<std::uint64_t> size() override {
    const Guard guard(tree_->mutex);
    return std::uint64_t{inode_->content->size()};
  }

  Result<void> truncate(std::uint64_t size) override {
    const Guard guard(tree_->mutex);
    TRY(require_writable());
    if (size > kMaxFileBytes) return too_large();
    inode_->writable_content().resize(size);
    return {};
  }

  Result<void> sync() override {
    const Guard guard(tree_->mutex);
    inode_->durable = inode_->content;
    inode_->content_is_shared = true;
    return {};
  }

  Result<std::unique_ptr<Mapping>> map() override {
    const Guard guard(tree_->mutex);
    inode_->content_is_shared = true;
    return std::unique_ptr<Mapping>(std::make_unique<MemoryMapping>(inode_->content));
  }

  [[nodiscard]] const std::string& path() const override { return path_; }

  [[nodiscard]] const TreePtr& tree() const { return tree_; }

  [[nodiscard]] const InodePtr& inode() const { return inode_; }

 private:
  [[nodiscard]] Error too_large() const {
    return fail(ErrorCode::kIo, "cannot write {}: File too large", path_);
  }

  [[nodiscard]] Result<void> require_writable() const {
    if (access_ == Access::kReadAndWrite) return {};
    return fail(ErrorCode::kIo, "cannot write {}: it was opened for reading", path_);
  }

  TreePtr tree_;
  InodePtr inode_;
  std::string path_;
  Access access_;
};

class MemoryLock final : public FileLock {
 public:
  MemoryLock(TreePtr tree, InodePtr inode, LockMode mode)
      : tree_(std::move(tree)), inode_(std::move(inode)), mode_(mode) {}

  MemoryLock(const MemoryLock&) = delete;
  MemoryLock& operator=(const MemoryLock&) = delete;

  ~MemoryLock() override {
    const Guard guard(tree_->mutex);
    if (mode_ == LockMode::kExclusive) {
      inode_->exclusive_lock = false;
    } else {
      --inode_->shared_locks;
    }
  }

 private:
  TreePtr tree_;
  InodePtr inode_;
  LockMode mode_;
};

Error refused(std::string_view action, const std::string& path, std::string_view why) {
  return fail(ErrorCode::kIo, "cannot {} {}: {}", action, path, why);
}

Error missing(std::string_view action, const std::string& path) {
  return fail(ErrorCode::kNotFound, "cannot {} {}: No such file or directory", action, path);
}

/// The location of a path that must not exist. The caller holds the mutex.
Result<Location> find_free(MemoryTree& tree, const std::string& path) {
  Location location = TRY(tree.find(path, /*follow=*/false));
  if (location.inode != nullptr) return refused("create", path, "File exists");
  return location;
}

Result<InodePtr> find_regular(MemoryTree& tree, const std::string& path, bool follow) {
  InodePtr inode = TRY(tree.find_existing(path, follow));
  if (inode->kind != FileKind::kRegular) {
    return fail(ErrorCode::kInvalidArgument, "not a regular file: {}", path);
  }
  return inode;
}

Result<InodePtr> find_directory(MemoryTree& tree, const std::string& path) {
  InodePtr inode = TRY(tree.find_existing(path, /*follow=*/true));
  if (inode->kind != FileKind::kDirectory) {
    return fail(ErrorCode::kNotFound, "cannot list {}: Not a directory", path);
  }
  return inode;
}

/// Whether `from` may replace `to`, by the rules of rename(2).
Result<void> require_replaceable(const Location& from, const Location& to,
                                 const std::string& path) {
  if (from.name.empty() || to.name.empty()) return refused("rename", path, "Device is busy");
  const bool is_directory = from.inode->kind == FileKind::kDirectory;
  if (is_directory &&
      std::find(to.parents.begin(), to.parents.end(), from.inode) != to.parents.end()) {
    return refused("rename", path, "Invalid argument");
  }
  if (to.inode == nullptr) return {};
  const bool replaces_directory = to.inode->kind == FileKind::kDirectory;
  if (replaces_directory && !is_directory) return refused("rename", path, "Is a directory");
  if (is_directory && !replaces_directory) {
    return fail(ErrorCode::kNotFound, "cannot rename {}: Not a directory", path);
  }
  if (replaces_directory && !to.inode->entries.empty()) {
    return refused("rename", path, "Directory not empty");
  }
  return {};
}

Content torn_content(const Content& durable, const Content& current, std::mt19937_64& random) {
  const auto [low, high] = std::minmax({durable.size(), current.size()});
  Content torn(std::uniform_int_distribution<std::size_t>(low, high)(random));
  for (std::size_t at = 0; at < torn.size(); at += kSectorBytes) {
    const std::size_t end = std::min(at + kSectorBytes, torn.size());
    const auto dice = random() % 3;
    if (dice == 2) continue;  // the size reached the disk, the bytes did not
    const Content& from = dice == 0 ? durable : current;
    if (at >= from.size()) continue;
    std::memcpy(torn.data() + at, from.data() + at, std::min(end, from.size()) - at);
  }
  return torn;
}

}  // namespace

MemoryFileSystem::MemoryFileSystem() : tree_(std::make_shared<MemoryTree>()) {}

MemoryFileSystem::~MemoryFileSystem() = default;

void MemoryFileSystem::crash(CrashMode mode) {
  const bool keep = mode == CrashMode::kKeepAll;
  const Guard guard(tree_->mutex);
  tree_->crash({.keeps_operation = [keep] { return keep; },
                .content = [keep](const Content& durable,
                                  const Content& current) { return keep ? current : durable; }});
}

void MemoryFileSystem::crash(std::mt19937_64& random) {
  const Guard guard(tree_->mutex);
  tree_->crash({.keeps_operation = [&random] { return random() % 2 == 0; },
                .content =
                    [&random](const Content& durable, const Content& current) {
                      if (durable == current) return current;
                      const auto dice = random() % 3;
                      if (dice == 2) return torn_content(durable, current, random);
                      return dice == 0 ? durable : current;
                    }});
}

std::unique_ptr<MemoryFileSystem> MemoryFileSystem::snapshot() const {
  auto copy = std::make_unique<MemoryFileSystem>();
  const Guard guard(tree_->mutex);
  copy->tree_->copy_from(*tree_);
  return copy;
}

bool MemoryFileSystem::is_executable(const std::string& path) {
  const Guard guard(tree_->mutex);
  const Result<InodePtr> inode = tree_->find_existing(path, /*follow=*/true);
  return inode.has_value() && (*inode)->executable;
}

Result<std::unique_ptr<File>> MemoryFileSystem::open(const std::string& path) {
  const Guard guard(tree_->mutex);
  InodePtr inode = TRY(find_regular(*tree_, path, /*follow=*/true));
  return std::unique_ptr<File>(
      std::make_unique<MemoryFile>(tree_, std::move(inode), path, MemoryFile::Access::kRead));
}

Result<std::unique_ptr<File>> MemoryFileSystem::create(const std::string& path, CreateMode mode) {
  const Guard guard(tree_->mutex);
  const bool exclusive = mode == CreateMode::kExclusive;
  Location location = TRY(tree_->find(path, /*follow=*/!exclusive));
  InodePtr inode = location.inode;
  if (inode == nullptr) {
    inode = std::make_shared<MemoryInode>(FileKind::kRegular);
    tree_->apply({{location.directory(), location.name, inode}});
  } else {
    if (exclusive) return refused("create", path, "File exists");
    TRY(find_regular(*tree_, path, /*follow=*/true));
    inode->writable_content().clear();
  }
  return std::unique_ptr<File>(std::make_unique<MemoryFile>(tree_, std::move(inode), path,
                                                            MemoryFile::Access::kReadAndWrite));
}

Result<std::unique_ptr<File>> MemoryFileSystem::create_unnamed(const std::string& directory) {
  const Guard guard(tree_->mutex);
  TRY(find_directory(*tree_, directory));
  return std::unique_ptr<File>(std::make_unique<MemoryFile>(
      tree_, std::make_shared<MemoryInode>(FileKind::kRegular), join_path(directory, "(unnamed)"),
      MemoryFile::Access::kReadAndWrite));
}

Result<void> MemoryFileSystem::link_unnamed(File& file, const std::string& path) {
  const auto* memory_file = dynamic_cast<MemoryFile*>(&file);
  if (memory_file == nullptr || memory_file->tree() != tree_) {
    return fail(ErrorCode::kInvalidArgument, "{} is not a file of this file system", file.path());
  }
  const Guard guard(tree_->mutex);
  const Location location = TRY(find_free(*tree_, path));
  tree_->apply({{location.directory(), location.name, memory_file->inode()}});
  return {};
}

Result<void> MemoryFileSystem::rename(const std::string& from, const std::string& to) {
  const Guard guard(tree_->mutex);
  const Location source = TRY(tree_->find(from, /*follow=*/false));
  const Location target = TRY(tree_->find(to, /*follow=*/false));
  if (source.inode == nullptr) return missing("rename", from);
  if (source.inode == target.inode) return {};  // as rename(2) does with two names of one file
  TRY(require_replaceable(source, target, fmt::format("{} to {}", from, to)));
  tree_->apply({{source.directory(), source.name, nullptr},
                {target.directory(), target.name, source.inode}});
  return {};
}

Result<void> MemoryFileSystem::remove_file(const std::string& path) {
  const Guard guard(tree_->mutex);
  const Location location = TRY(tree_->find(path, /*follow=*/false));
  if (location.inode == nullptr) return missing("remove", path);
  if (location.inode->kind == FileKind::kDirectory) {
    return refused("remove", path, "Is a directory");
  }
  tree_->apply({{location.directory(), location.name, nullptr}});
  return {};
}

Result<void> MemoryFileSystem::create_directory(const std::string& path) {
  const Guard guard(tree_->mutex);
  const Location location = TRY(find_free(*tree_, path));
  tree_->apply(
      {{location.directory(), location.name, std::make_shared<MemoryInode>(FileKind::kDirectory)}});
  return {};
}

Result<void> MemoryFileSystem::remove_directory(const std::string& path) {
  const Guard guard(tree_->mutex);
  const Location location = TRY(tree_->find(path, /*follow=*/false));
  if (location.inode == nullptr) return missing("remove the directory", path);
  if (location.inode->kind != FileKind::kDirectory) {
    return fail(ErrorCode::kNotFound, "cannot remove the directory {}: Not a directory", path);
  }
  if (location.name.empty()) return refused("remove the directory", path, "Device is busy");
  if (!location.inode->entries.empty()) {
    return refused("remove the directory", path, "Directory not empty");
  }
  tree_->apply({{location.directory(), location.name, nullptr}});
  return {};
}

Result<std::vector<DirectoryEntry>> MemoryFileSystem::list(const std::string& path) {
  const Guard guard(tree_->mutex);
  const InodePtr directory = TRY(find_directory(*tree_, path));
  std::vector<DirectoryEntry> entries;
  for (const auto& [name, inode] : directory->entries) entries.push_back({name, inode->kind});
  return entries;
}

Result<FileInfo> MemoryFileSystem::stat(const std::string& path) {
  const Guard guard(tree_->mutex);
  const InodePtr inode = TRY(tree_->find_existing(path, /*follow=*/false));
  const bool is_symlink = inode->kind == FileKind::kSymlink;
  return FileInfo{.kind = inode->kind,
                  .size = is_symlink ? inode->symlink_target.size() : inode->content->size()};
}

Result<void> MemoryFileSystem::sync_directory(const std::string& path) {
  const Guard guard(tree_->mutex);
  const InodePtr directory = TRY(find_directory(*tree_, path));
  tree_->sync_directory(directory);
  return {};
}

Result<void> MemoryFileSystem::create_symlink(const std::string& target, const std::string& path) {
  const Guard guard(tree_->mutex);
  if (target.empty()) return missing("create the symlink", path);
  const Location location = TRY(find_free(*tree_, path));
  const InodePtr inode = std::make_shared<MemoryInode>(FileKind::kSymlink);
  inode->symlink_target = target;
  tree_->apply({{location.directory(), location.name, inode}});
  return {};
}

Result<void> MemoryFileSystem::set_executable(const std::string& path) {
  const Guard guard(tree_->mutex);
  const InodePtr inode = TRY(find_regular(*tree_, path, /*follow=*/false));
  inode->executable = true;
  return {};
}

Result<std::unique_ptr<FileLock>> MemoryFileSystem::try_lock(const std::string& path,
                                                             LockMode mode) {
  const Guard guard(tree_->mutex);
  InodePtr inode = TRY(tree_->find_existing(path, /*follow=*/true));
  const bool taken =
      inode->exclusive_lock || (mode == LockMode::kExclusive && inode->shared_locks > 0);
  if (taken) return std::unique_ptr<FileLock>();
  if (mode == LockMode::kExclusive) {
    inode->exclusive_lock = true;
  } else {
    ++inode->shared_locks;
  }
  return std::unique_ptr<FileLock>(std::make_unique<MemoryLock>(tree_, std::move(inode), mode));
}

}  // namespace bale
