// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A file system around another one, for tests: it counts and records every call, makes a chosen one
// fail, and shows each to an observer.
//
//   FaultyFileSystem files(memory);
//   for (std::uint64_t n = 0;; ++n) {
//     files.inject({.operation = n});
//     const bool ok = build(files).has_value();
//     if (!files.fault_fired()) break;   // every I/O has failed once
//     EXPECT_FALSE(ok);
//   }
//
// A failing call does not reach the file system below, but counts. Reads through a map are not
// seen, only the call to map().

#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bale/file_system.h"

namespace bale {

/// The calls of FileSystem and File.
enum class IoKind : std::uint8_t {
  kOpen,
  kCreate,
  kCreateUnnamed,
  kLinkUnnamed,
  kRename,
  kRemoveFile,
  kCreateDirectory,
  kRemoveDirectory,
  kList,
  kStat,
  kSyncDirectory,
  kCreateSymlink,
  kSetExecutable,
  kLock,
  kRead,
  kWrite,
  kSize,
  kTruncate,
  kSync,
  kMap,
};

inline constexpr std::size_t kIoKindCount = 20;

/// "open", "create", "create_unnamed", ...: the name of the call.
[[nodiscard]] std::string_view to_string(IoKind kind);

/// A set of kinds, for Fault.
using IoKinds = std::bitset<kIoKindCount>;

[[nodiscard]] IoKinds io_kinds(std::initializer_list<IoKind> kinds);
[[nodiscard]] IoKinds all_io_kinds();

struct IoCounters {
  std::array<std::uint64_t, kIoKindCount> calls{};
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;

  [[nodiscard]] std::uint64_t of(IoKind kind) const {
    return calls[static_cast<std::size_t>(kind)];
  }

  /// All calls of all kinds.
  [[nodiscard]] std::uint64_t operations() const;
};

/// Which call fails, and how.
struct Fault {
  /// Its number among the matching calls since inject(), from 0.
  std::uint64_t operation = 0;
  IoKinds kinds = all_io_kinds();
  /// Only calls on paths that contain this text match. Empty: all.
  std::string path_part;
  /// Only reads and writes that touch these bytes match. Empty: all calls.
  std::uint64_t region_begin = 0;
  std::uint64_t region_end = 0;
  /// All later matching calls fail too, as on a full or removed disk.
  bool forever = false;
  /// A failing write first writes half of its data.
  bool tears_writes = false;
  ErrorCode code = ErrorCode::kIo;
  /// The Error's message, before the call's name and path.
  std::string message = "injected fault";
};

/// One call, in the order of their starts.
struct IoEvent {
  IoKind kind = IoKind::kOpen;
  std::string path;          ///< for a rename, the new name
  std::uint64_t offset = 0;  ///< of a read or write; the new size for a truncate
  std::uint64_t bytes = 0;   ///< asked for
};

struct FaultyState;

/// Thread-safe. The file system below must outlive it and its files; files may outlive it.
class FaultyFileSystem final : public FileSystem {
 public:
  explicit FaultyFileSystem(FileSystem& below);
  FaultyFileSystem(const FaultyFileSystem&) = delete;
  FaultyFileSystem& operator=(const FaultyFileSystem&) = delete;
  ~FaultyFileSystem() override;

  /// Replaces the previous fault, if any, and restarts its count of calls.
  void inject(Fault fault);
  void clear_fault();

  /// Whether a call has failed since inject().
  [[nodiscard]] bool fault_fired() const;

  /// Called with each call that does not fail, before it reaches the file system below, on the
  /// calling thread. May be empty. Set it while no call is under way.
  void observe(std::function<void(const IoEvent&)> observer);

  [[nodiscard]] IoCounters counters() const;
  void reset_counters();

  /// Existing File objects, and the most at once so far.
  [[nodiscard]] std::uint64_t open_files() const;
  [[nodiscard]] std::uint64_t peak_open_files() const;

  /// Clears the events and records later ones, one per call, without limit.
  void start_trace();
  [[nodiscard]] std::vector<IoEvent> trace() const;

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
  FileSystem& below_;
  std::shared_ptr<FaultyState> state_;  // shared with the files
};

}  // namespace bale
