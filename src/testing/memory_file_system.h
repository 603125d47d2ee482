// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A file system in memory, for tests: fast, empty at the start, with simulated power cuts.
//
//   MemoryFileSystem files;
//   ... write, sync some of it ...
//   files.crash(MemoryFileSystem::CrashMode::kDropUnsynced);
//   ... open what is left ...
//
// It behaves like posix_file_system(): one test suite runs over both (file_system_test.cc).
// Relative paths start at its root, "/". Memory is not charged to a budget. A map does not show
// later writes.

#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "bale/file_system.h"

namespace bale {

class MemoryTree;

/// Thread-safe, even during crash(). Files, maps and locks may outlive it.
class MemoryFileSystem final : public FileSystem {
 public:
  enum class CrashMode : std::uint8_t {
    kDropUnsynced,  ///< unsynced data is lost: the worst case
    kKeepAll,       ///< all data reached the disk: the best case
  };

  MemoryFileSystem();
  MemoryFileSystem(const MemoryFileSystem&) = delete;
  MemoryFileSystem& operator=(const MemoryFileSystem&) = delete;
  ~MemoryFileSystem() override;

  /// Cuts the power. Unnamed files and all locks are gone. Older File objects keep invisible files;
  /// drop them.
  void crash(CrashMode mode);

  /// The same at random: each unsynced name operation happened or not (a rename as a whole, and
  /// only after the earlier operations on its names), and an unsynced file has its old bytes, its
  /// new ones, or a mixture: any size between, each block of 512 bytes old, new or zero.
  void crash(std::mt19937_64& random);

  /// A copy of the file system, synced and unsynced state included, without locks and unnamed
  /// files: the state after a process is killed.
  [[nodiscard]] std::unique_ptr<MemoryFileSystem> snapshot() const;

  /// Whether set_executable() was called on the file; false for anything else.
  [[nodiscard]] bool is_executable(const std::string& path);

  Result<std::unique_ptr<File>> open(const std::string& path) override;
  Result<std::unique_ptr<File>> create(const std::string& path, CreateMode mode) override;
  Result<std::unique_ptr<File>> create_unnamed(const std::string& directory) override;
  Result<void> link_unnamed(File& file, const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove_file(const std::string& path) override;
  Result<void> create_directory(const std::string& path) override;
  Result<void> remove_directory(const std::string& path) override;
  Result<std::vector<DirectoryEntry>> list(const std::string& path) override;
  Result<FileInfo> stat(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;
  Result<void> create_symlink(const std::string& target, const std::string& path) override;
  Result<void> set_executable(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> try_lock(const std::string& path, LockMode mode) override;

 private:
  std::shared_ptr<MemoryTree> tree_;  // shared with the files, which take its mutex
};

}  // namespace bale
