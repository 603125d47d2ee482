// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The order makes it safe: first the bytes become durable, then one rename or link creates the
// name.

#include "io/atomic_file.h"

#include <array>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/try.h"
#include "io/path.h"

namespace bale {
namespace {

constexpr std::size_t kCopyBytes = 32 << 10;

/// Whether the path exists. Other errors than kNotFound are returned.
Result<bool> exists(FileSystem& files, const std::string& path) {
  const Result<FileInfo> info = files.stat(path);
  if (info.has_value()) return true;
  if (info.error().code == ErrorCode::kNotFound) return false;
  return info.error();
}

/// A rename must not replace a device, or the symlink /dev/stdout.
Result<void> require_replaceable(FileSystem& files, const std::string& path) {
  const Result<FileInfo> info = files.stat(path);
  if (!info.has_value()) {
    if (info.error().code == ErrorCode::kNotFound) return {};
    return info.error();
  }
  bool replaceable = info->kind == FileKind::kRegular;
  if (info->kind == FileKind::kSymlink) {
    const Result<std::unique_ptr<File>> target = files.open(path);
    replaceable = target.has_value() || target.error().code != ErrorCode::kInvalidArgument;
  }
  if (replaceable) return {};
  return fail(ErrorCode::kInvalidArgument, "cannot write to {}: it is not a regular file", path);
}

Result<void> remove_if_there(FileSystem& files, const std::string& path) {
  Result<void> removed = files.remove_file(path);
  if (!removed && removed.error().code == ErrorCode::kNotFound) return {};
  return removed;
}

Result<void> copy_all(File& from, File& to) {
  std::array<std::byte, kCopyBytes> buffer{};
  for (std::uint64_t offset = 0;;) {
    const std::size_t got = TRY(from.read_at(offset, buffer));
    if (got == 0) return {};
    TRY(to.write_at(offset, Bytes(buffer).first(got)));
    offset += got;
  }
}

}  // namespace

Result<AtomicFile> AtomicFile::create(FileSystem& files, std::string final_path,
                                      Visibility visibility) {
  TRY(require_replaceable(files, final_path));
  AtomicFile made(files, std::move(final_path));
  if (visibility == Visibility::kHidden) {
    Result<std::unique_ptr<File>> unnamed =
        files.create_unnamed(parent_directory(made.final_path_));
    if (unnamed.has_value()) {
      made.file_ = std::move(unnamed).value();
      return made;
    }
    if (unnamed.error().code != ErrorCode::kUnsupported) return std::move(unnamed).error();
  }
  TRY(made.create_part());
  return made;
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : files_(other.files_),
      final_path_(std::move(other.final_path_)),
      file_(std::move(other.file_)),
      part_path_(std::exchange(other.part_path_, {})),
      failure_(std::move(other.failure_)),
      committed_(other.committed_) {}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  if (this != &other) {
    abandon();
    files_ = other.files_;
    final_path_ = std::move(other.final_path_);
    file_ = std::move(other.file_);
    part_path_ = std::exchange(other.part_path_, {});
    failure_ = std::move(other.failure_);
    committed_ = other.committed_;
  }
  return *this;
}

AtomicFile::~AtomicFile() {
  abandon();
}

void AtomicFile::abandon() {
  file_.reset();
  if (part_path_.empty()) return;
  // A failure cannot be reported here; the next run reuses the name.
  static_cast<void>(files_->remove_file(part_path_).has_value());
  part_path_.clear();
}

Result<void> AtomicFile::create_part() {
  std::string path = default_part_path();
  file_ = TRY(files_->create(path, CreateMode::kTruncate));
  part_path_ = std::move(path);
  return {};
}

Result<void> AtomicFile::sync() {
  if (failure_) return *failure_;
  Result<void> synced = file_->sync();
  // A second sync may report success for bytes that the first one lost.
  if (!synced) failure_ = synced.error();
  return synced;
}

Result<void> AtomicFile::commit(const CommitOptions& options) {
  CHECK(file_ != nullptr && !committed_);
  if (failure_) return *failure_;
  if (options.sync) TRY(sync());
  if (part_path_.empty()) {
    TRY(commit_hidden(options));
  } else {
    TRY(files_->rename(part_path_, final_path_));
  }
  part_path_.clear();
  committed_ = true;
  if (options.sync) TRY(files_->sync_directory(parent_directory(final_path_)));
  return {};
}

Result<void> AtomicFile::commit_hidden(const CommitOptions& options) {
  bool taken = TRY(exists(*files_, final_path_));
  if (!taken) {
    Result<void> linked = files_->link_unnamed(*file_, final_path_);
    if (linked.has_value()) return {};
    if (linked.error().code == ErrorCode::kUnsupported) return copy_to_part(options);
    // Another process may have created it: replace it, as a rename would.
    taken = TRY(exists(*files_, final_path_));
    if (!taken) return linked;
  }
  const std::string staging_path =
      options.staging_path.empty() ? default_part_path() : options.staging_path;
  TRY(remove_if_there(*files_, staging_path));
  Result<void> linked = files_->link_unnamed(*file_, staging_path);
  if (!linked) {
    if (linked.error().code == ErrorCode::kUnsupported) return copy_to_part(options);
    return linked;
  }
  part_path_ = staging_path;
  return files_->rename(staging_path, final_path_);
}

Result<void> AtomicFile::copy_to_part(const CommitOptions& options) {
  std::string path = options.staging_path.empty() ? default_part_path() : options.staging_path;
  const std::unique_ptr<File> copy = TRY(files_->create(path, CreateMode::kTruncate));
  part_path_ = std::move(path);
  TRY(copy_all(*file_, *copy));
  if (options.sync) TRY(copy->sync());
  return files_->rename(part_path_, final_path_);
}

}  // namespace bale
