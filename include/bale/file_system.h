// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The interface under every file operation of bale.
//
// posix_file_system() is the real one. Tests use one in memory or one that fails, and a program may
// supply its own. Every implementation must be thread-safe: several threads may read one File at
// once, and write to different parts of it.
//
// Paths are bytes, as the system takes them. Errors name the path: kNotFound if something is
// missing, kIo, with the system's message, for anything else.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bale/bytes.h"
#include "bale/export.h"
#include "bale/result.h"

namespace bale {

/// A read-only memory map of a file. It stays valid after the File is closed or removed.
class BALE_EXPORT Mapping {
 public:
  virtual ~Mapping() = default;

  [[nodiscard]] virtual Bytes bytes() const = 0;

  /// Returns the resident pages to the system; later accesses read the file again. Views stay
  /// valid.
  virtual void release_pages() = 0;
};

/// An open file. The destructor closes it without making it durable: sync() does that.
class BALE_EXPORT File {
 public:
  virtual ~File() = default;

  /// Reads from `offset` until `out` is full or the file ends; returns how many bytes it got.
  virtual Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) = 0;

  /// Writes all of `data` at `offset`, growing the file as needed.
  virtual Result<void> write_at(std::uint64_t offset, Bytes data) = 0;

  virtual Result<std::uint64_t> size() = 0;
  virtual Result<void> truncate(std::uint64_t size) = 0;

  /// Makes content and size durable. After a failure the file must be discarded: a second call may
  /// report success although bytes were lost.
  virtual Result<void> sync() = 0;

  /// Maps the whole file as it is now. An empty file gives an empty view.
  virtual Result<std::unique_ptr<Mapping>> map() = 0;

  /// The path that it was opened with, for messages.
  [[nodiscard]] virtual const std::string& path() const = 0;
};

enum class FileKind : std::uint8_t { kRegular, kDirectory, kSymlink, kOther };

struct FileInfo {
  FileKind kind = FileKind::kRegular;
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;  ///< last change of the content, since 1970 UTC
};

struct DirectoryEntry {
  std::string name;
  FileKind kind = FileKind::kRegular;
};

enum class CreateMode : std::uint8_t {
  kTruncate,   ///< empties an existing file
  kExclusive,  ///< kIo if the path exists
};

enum class LockMode : std::uint8_t { kShared, kExclusive };

/// Held until it is destroyed or the process ends, in whatever way.
class BALE_EXPORT FileLock {
 public:
  virtual ~FileLock() = default;
};

class BALE_EXPORT FileSystem {
 public:
  virtual ~FileSystem() = default;

  /// Opens a regular file for reading.
  virtual Result<std::unique_ptr<File>> open(const std::string& path) = 0;

  /// Creates a file for reading and writing.
  virtual Result<std::unique_ptr<File>> create(const std::string& path, CreateMode mode) = 0;

  /// Creates a file without a name, for reading and writing: it is gone once it is closed or the
  /// process ends. Its bytes are on the file system of `directory`.
  virtual Result<std::unique_ptr<File>> create_unnamed(const std::string& directory) = 0;

  /// Gives a file from create_unnamed() a name that does not exist yet. kUnsupported if the file
  /// system cannot do that; the caller then copies.
  virtual Result<void> link_unnamed(File& file, const std::string& path) = 0;

  /// Atomically renames `from` to `to`, replacing an existing file.
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;

  virtual Result<void> remove_file(const std::string& path) = 0;

  /// kIo if the path exists.
  virtual Result<void> create_directory(const std::string& path) = 0;

  /// Removes an empty directory.
  virtual Result<void> remove_directory(const std::string& path) = 0;

  /// The entries, without "." and "..", sorted by name.
  virtual Result<std::vector<DirectoryEntry>> list(const std::string& path) = 0;

  /// Does not follow a symlink at the end of the path.
  virtual Result<FileInfo> stat(const std::string& path) = 0;

  /// Makes the names in this directory durable.
  virtual Result<void> sync_directory(const std::string& path) = 0;

  /// Creates the symlink `path` whose text is `target`, byte for byte.
  virtual Result<void> create_symlink(const std::string& target, const std::string& path) = 0;

  virtual Result<void> set_executable(const std::string& path) = 0;

  /// Takes an advisory lock on an existing file or directory, without waiting: nullptr if another
  /// holder's lock conflicts, in this process or another. The locked file has this path at that
  /// moment: it was not removed or replaced meanwhile.
  virtual Result<std::unique_ptr<FileLock>> try_lock(const std::string& path, LockMode mode) = 0;
};

/// The operating system's files. Lives as long as the program.
[[nodiscard]] BALE_EXPORT FileSystem& posix_file_system();

}  // namespace bale
