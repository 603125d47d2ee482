// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The seam under every file operation of bale.
//
// posix_file_system() is the real one. Tests put a memory or a failing one in its place, and a
// program may bring its own. Every implementation must be safe to call from several threads; one
// File may be read by several threads at once, and written by several where they write to different
// places.
//
// Paths are bytes, as the system takes them. Errors carry the path: kNotFound where something is
// missing, kIo for anything else the system said (with its words).

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bale/bytes.h"
#include "bale/result.h"

namespace bale {

/// A file seen as memory, read-only, until the Mapping is destroyed. Outlives the File and its
/// name.
class Mapping {
 public:
  virtual ~Mapping() = default;

  [[nodiscard]] virtual Bytes bytes() const = 0;

  /// Gives the pages that were touched back to the system; what is read later comes from the file
  /// again. Views stay valid.
  virtual void release_pages() = 0;
};

/// An open file. Closing happens in the destructor, and never commits anything: sync() does.
class File {
 public:
  virtual ~File() = default;

  /// Reads from `offset` until `out` is full or the file ends; returns how many bytes it got.
  virtual Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) = 0;

  /// Writes all of `data` at `offset`, growing the file as needed.
  virtual Result<void> write_at(std::uint64_t offset, Bytes data) = 0;

  virtual Result<std::uint64_t> size() = 0;
  virtual Result<void> truncate(std::uint64_t size) = 0;

  /// Returns once content and size would survive a power cut. After a failure the file must be
  /// thrown away: a second try may claim success for bytes that were lost.
  virtual Result<void> sync() = 0;

  /// Maps the whole file as it is now. An empty file gives an empty view.
  virtual Result<std::unique_ptr<Mapping>> map() = 0;

  /// For messages: the path it was opened under.
  [[nodiscard]] virtual const std::string& path() const = 0;
};

enum class FileKind : std::uint8_t { kRegular, kDirectory, kSymlink, kOther };

struct FileInfo {
  FileKind kind = FileKind::kRegular;
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;  ///< since 1970, UTC: when the content changed last
};

struct DirectoryEntry {
  std::string name;
  FileKind kind = FileKind::kRegular;
};

enum class CreateMode : std::uint8_t {
  kTruncate,   ///< empties a file that is there
  kExclusive,  ///< kIo if anything is there
};

enum class LockMode : std::uint8_t { kShared, kExclusive };

/// Held until destroyed, or until the process ends however it ends.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  /// Opens a regular file for reading.
  virtual Result<std::unique_ptr<File>> open(const std::string& path) = 0;

  /// Creates a file for reading and writing.
  virtual Result<std::unique_ptr<File>> create(const std::string& path, CreateMode mode) = 0;

  /// A file for reading and writing that has no name: when it is closed, or the process dies, it is
  /// gone. It lies in `directory`, so that its bytes are where there is room for them.
  virtual Result<std::unique_ptr<File>> create_unnamed(const std::string& directory) = 0;

  /// Gives a file from create_unnamed() a name that must not be taken yet. kUnsupported where this
  /// file system cannot do that; the caller then copies.
  virtual Result<void> link_unnamed(File& file, const std::string& path) = 0;

  /// Atomically gives `from` the name `to`, replacing a file that is there.
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;

  virtual Result<void> remove_file(const std::string& path) = 0;

  /// Fails with kIo if something is there already.
  virtual Result<void> create_directory(const std::string& path) = 0;

  /// Removes an empty directory.
  virtual Result<void> remove_directory(const std::string& path) = 0;

  /// The entries, without "." and "..", sorted by name.
  virtual Result<std::vector<DirectoryEntry>> list(const std::string& path) = 0;

  /// Does not follow a symlink at the end of the path.
  virtual Result<FileInfo> stat(const std::string& path) = 0;

  /// Returns once the names in this directory would survive a power cut.
  virtual Result<void> sync_directory(const std::string& path) = 0;

  /// Creates the symlink `path` whose text is `target`, byte for byte.
  virtual Result<void> create_symlink(const std::string& target, const std::string& path) = 0;

  virtual Result<void> set_executable(const std::string& path) = 0;

  /// Takes an advisory lock on a file or directory that is there, without waiting: nullptr if
  /// another holder stands against it. Locks are between holders, in one process or in several.
  /// What is locked has this path at that moment: it was not removed on the way.
  virtual Result<std::unique_ptr<FileLock>> try_lock(const std::string& path, LockMode mode) = 0;
};

/// The operating system's files. Lives as long as the program.
[[nodiscard]] FileSystem& posix_file_system();

}  // namespace bale
