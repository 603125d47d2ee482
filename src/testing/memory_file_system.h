// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A file system in memory, for tests: fast, empty at the start, and able to lose power.
//
//   MemoryFileSystem files;
//   ... write, sync some of it ...
//   files.crash(MemoryFileSystem::CrashMode::kDropUnsynced);
//   ... open what is left ...
//
// It behaves like posix_file_system(), as one suite of tests run over both says
// (file_system_test.cc). Relative paths start at its root, "/". All memory is its own: nothing is
// charged to a budget. A map is a view of the file as it was when it was mapped: later writes do
// not show in it.

#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "bale/file_system.h"

namespace bale {

class MemoryTree;

/// Thread-safe, also while it crashes. Files, maps and locks may outlive it.
class MemoryFileSystem final : public FileSystem {
 public:
  enum class CrashMode : std::uint8_t {
    kDropUnsynced,  ///< what was not synced is gone: the least that may be left
    kKeepAll,       ///< the cache made it to the disk just in time: the most that may be left
  };

  MemoryFileSystem();
  MemoryFileSystem(const MemoryFileSystem&) = delete;
  MemoryFileSystem& operator=(const MemoryFileSystem&) = delete;
  ~MemoryFileSystem() override;

  /// Cuts the power. Files without a name and all locks are gone. File objects from before go on
  /// with files that nobody can see; drop them.
  void crash(CrashMode mode);

  /// The same, with dice: each name operation that was not synced happened or not (a rename as a
  /// whole, and never without the operations on the same names before it), and a file that was not
  /// synced has its old bytes, its new ones, or a mixture: any size between, each block of 512
  /// bytes old, new or zero.
  void crash(std::mt19937_64& random);

  /// Another file system that is as this one is now, with what is synced and what is not. Without
  /// locks and files without a name: what a process that was killed leaves.
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
