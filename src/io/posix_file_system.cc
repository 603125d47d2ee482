// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The operating system's files and directories (Linux).
//
// Every descriptor is O_CLOEXEC, so `git` children inherit none. Files are opened with O_NONBLOCK,
// so that a FIFO is refused instead of blocking; regular files ignore it.

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "bale/file_system.h"
#include "base/error.h"
#include "base/try.h"
#include "io/path.h"
#include "io/posix_file.h"

namespace bale {
namespace {

constexpr int kOpenFlags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

/// A zero byte would truncate the path to another file's.
Result<void> require_path(const std::string& path) {
  if (path.find('\0') != std::string::npos) {
    return fail(ErrorCode::kInvalidArgument, "a path may not hold a zero byte: {}", path.c_str());
  }
  return {};
}

Result<void> check(int status, std::string_view action, std::string_view path) {
  if (status == 0) return {};
  return system_error(errno, action, path);
}

Error not_a_regular_file(const std::string& path) {
  return fail(ErrorCode::kInvalidArgument, "not a regular file: {}", path);
}

FileKind kind_of(mode_t mode) {
  if (S_ISREG(mode)) return FileKind::kRegular;
  if (S_ISDIR(mode)) return FileKind::kDirectory;
  if (S_ISLNK(mode)) return FileKind::kSymlink;
  return FileKind::kOther;
}

struct OpenedFile {
  Descriptor descriptor;
  struct stat info;
};

/// Opens a file, with `flags`, and calls fstat().
Result<OpenedFile> open_and_stat(const std::string& path, int flags, std::string_view action) {
  TRY(require_path(path));
  OpenedFile opened{};
  opened.descriptor =
      Descriptor(retry_interrupted([&] { return ::open(path.c_str(), flags | kOpenFlags, 0666); }));
  if (opened.descriptor.get() < 0) {
    // A socket, or a directory opened for writing: FileSystem has one code for "not a file".
    if (errno == ENXIO || errno == EISDIR) return not_a_regular_file(path);
    return system_error(errno, action, path);
  }
  TRY(check(::fstat(opened.descriptor.get(), &opened.info), "look at", path));
  return opened;
}

Result<std::unique_ptr<File>> open_regular(const std::string& path, int flags,
                                           std::string_view action) {
  OpenedFile opened = TRY(open_and_stat(path, flags, action));
  if (!S_ISREG(opened.info.st_mode)) return not_a_regular_file(path);
  return std::unique_ptr<File>(
      std::make_unique<PosixFile>(std::move(opened.descriptor), path, /*linkable=*/false));
}

/// flock() belongs to the descriptor: closing it, or process exit, releases the lock.
class PosixLock final : public FileLock {
 public:
  explicit PosixLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  Descriptor descriptor_;
};

struct CloseDirectory {
  void operator()(DIR* stream) const { static_cast<void>(::closedir(stream)); }
};

using DirectoryStream = std::unique_ptr<DIR, CloseDirectory>;

Result<DirectoryStream> open_directory(const std::string& path) {
  TRY(require_path(path));
  Descriptor descriptor(
      retry_interrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (descriptor.get() < 0) return system_error(errno, "list", path);
  DirectoryStream stream(::fdopendir(descriptor.get()));
  if (stream == nullptr) return system_error(errno, "list", path);
  static_cast<void>(descriptor.release());  // the stream closes it
  return stream;
}

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path) override {
    return open_regular(path, O_RDONLY, "open");
  }

  Result<std::unique_ptr<File>> create(const std::string& path, CreateMode mode) override {
    const int flag = mode == CreateMode::kExclusive ? O_EXCL : O_TRUNC;
    return open_regular(path, O_RDWR | O_CREAT | flag, "create");
  }

  Result<std::unique_ptr<File>> create_unnamed(const std::string& directory) override;
  Result<void> link_unnamed(File& file, const std::string& path) override;

  Result<void> rename(const std::string& from, const std::string& to) override {
    TRY(require_path(from));
    TRY(require_path(to));
    if (::rename(from.c_str(), to.c_str()) == 0) return {};
    return system_error(errno, "rename", fmt::format("{} to {}", from, to));
  }

  Result<void> remove_file(const std::string& path) override {
    TRY(require_path(path));
    return check(::unlink(path.c_str()), "remove", path);
  }

  Result<void> create_directory(const std::string& path) override {
    TRY(require_path(path));
    return check(::mkdir(path.c_str(), 0777), "create the directory", path);
  }

  Result<void> remove_directory(const std::string& path) override {
    TRY(require_path(path));
    return check(::rmdir(path.c_str()), "remove the directory", path);
  }

  Result<std::vector<DirectoryEntry>> list(const std::string& path) override;

  Result<FileInfo> stat(const std::string& path) override {
    TRY(require_path(path));

    struct stat info = {};
    TRY(check(::lstat(path.c_str(), &info), "look at", path));
    return FileInfo{
        .kind = kind_of(info.st_mode),
        .size = static_cast<std::uint64_t>(info.st_size),
        .modified_ns = std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec};
  }

  Result<void> sync_directory(const std::string& path) override;

  Result<void> create_symlink(const std::string& target, const std::string& path) override {
    TRY(require_path(target));
    TRY(require_path(path));
    return check(::symlink(target.c_str(), path.c_str()), "create the symlink", path);
  }

  Result<void> set_executable(const std::string& path) override {
    const OpenedFile opened = TRY(open_and_stat(path, O_RDONLY | O_NOFOLLOW, "make executable"));
    if (!S_ISREG(opened.info.st_mode)) return not_a_regular_file(path);
    // Executable for everyone who may read it: the umask has already limited reading.
    const mode_t mode = (opened.info.st_mode & 07777) | ((opened.info.st_mode & 0444) >> 2);
    return check(::fchmod(opened.descriptor.get(), mode), "make executable", path);
  }

  Result<std::unique_ptr<FileLock>> try_lock(const std::string& path, LockMode mode) override;
};

Result<std::unique_ptr<File>> PosixFileSystem::create_unnamed(const std::string& directory) {
  TRY(require_path(directory));
  Descriptor descriptor(retry_interrupted(
      [&] { return ::open(directory.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0666); }));
  if (descriptor.get() < 0) {
    // File systems and kernels without O_TMPFILE return one of these.
    if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL) {
      return create_unlinked_file(directory);
    }
    return system_error(errno, "create a file in", directory);
  }
  return std::unique_ptr<File>(std::make_unique<PosixFile>(
      std::move(descriptor), join_path(directory, "(unnamed)"), /*linkable=*/true));
}

Result<void> PosixFileSystem::link_unnamed(File& file, const std::string& path) {
  TRY(require_path(path));
  const auto* posix_file = dynamic_cast<PosixFile*>(&file);
  if (posix_file == nullptr) {
    return fail(ErrorCode::kInvalidArgument, "{} is not a file of this file system", file.path());
  }
  const Error unsupported =
      fail(ErrorCode::kUnsupported, "cannot give the unnamed file a name: {}", path);
  if (!posix_file->linkable()) return unsupported;
  // AT_EMPTY_PATH needs a privilege; /proc does not.
  const std::string magic_link = fmt::format("/proc/self/fd/{}", posix_file->fd());
  if (::linkat(AT_FDCWD, magic_link.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0) {
    return {};
  }
  const int error_number = errno;
  const bool no_proc = error_number == ENOENT && ::access(magic_link.c_str(), F_OK) != 0;
  if (no_proc || error_number == EXDEV || error_number == EOPNOTSUPP || error_number == EPERM) {
    return unsupported;
  }
  return system_error(error_number, "create", path);
}

Result<std::vector<DirectoryEntry>> PosixFileSystem::list(const std::string& path) {
  const DirectoryStream stream = TRY(open_directory(path));
  std::vector<DirectoryEntry> entries;
  for (;;) {
    errno = 0;
    // Unsafe only where threads share a stream. NOLINTNEXTLINE(concurrency-mt-unsafe)
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) {
      if (errno != 0) return system_error(errno, "list", path);
      break;
    }
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    FileKind kind = FileKind::kOther;
    if (entry->d_type == DT_UNKNOWN) {
      struct stat info = {};
      if (::fstatat(::dirfd(stream.get()), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) continue;  // removed meanwhile
        return system_error(errno, "look at", join_path(path, name));
      }
      kind = kind_of(info.st_mode);
    } else {
      kind = kind_of(static_cast<mode_t>(DTTOIF(entry->d_type)));
    }
    entries.push_back({.name = name, .kind = kind});
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto& left, const auto& right) { return left.name < right.name; });
  return entries;
}

Result<void> PosixFileSystem::sync_directory(const std::string& path) {
  const DirectoryStream stream = TRY(open_directory(path));
  if (retry_interrupted([&] { return ::fsync(::dirfd(stream.get())); }) == 0) return {};
  // The file system cannot sync directories; callers cannot do better.
  if (errno == EINVAL) return {};
  return system_error(errno, "sync the directory", path);
}

Result<std::unique_ptr<FileLock>> PosixFileSystem::try_lock(const std::string& path,
                                                            LockMode mode) {
  for (;;) {
    OpenedFile opened = TRY(open_and_stat(path, O_RDONLY, "lock"));
    if (!S_ISREG(opened.info.st_mode) && !S_ISDIR(opened.info.st_mode)) {
      return not_a_regular_file(path);
    }
    const int operation = mode == LockMode::kExclusive ? LOCK_EX : LOCK_SH;
    const int status =
        retry_interrupted([&] { return ::flock(opened.descriptor.get(), operation | LOCK_NB); });
    if (status != 0) {
      if (errno == EWOULDBLOCK) return std::unique_ptr<FileLock>();
      return system_error(errno, "lock", path);
    }
    // A previous holder may have removed or replaced it between the two calls; then this lock would
    // exclude nobody.
    struct stat now = {};
    if (::stat(path.c_str(), &now) != 0) return system_error(errno, "lock", path);
    if (now.st_dev == opened.info.st_dev && now.st_ino == opened.info.st_ino) {
      return std::unique_ptr<FileLock>(std::make_unique<PosixLock>(std::move(opened.descriptor)));
    }
  }
}

}  // namespace

FileSystem& posix_file_system() {
  static PosixFileSystem file_system;
  return file_system;
}

}  // namespace bale
