// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The tree of files and directories in a MemoryFileSystem, and the effects of a power cut.
//
// The durable state is separate from the current one, like a disk and its cache:
// - a file has its current bytes and those of its last sync();
// - a directory has its current names and the durable ones. Between the two is a log of name
//   operations (create, remove, rename), oldest first. Syncing a directory moves those that touch
//   it from the log into the durable names. A rename is one operation: both of its names change,
//   or neither, as on every file system that keeps a journal.
// A crash makes a part of the log durable, mixes each file's current bytes into its durable ones as
// the chooser says, and continues with a copy of the durable state: older files, maps and locks
// belong to the dead program and are detached.
//
// Not thread-safe: the caller holds `mutex` during each call.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "bale/file_system.h"

namespace bale {

using Content = std::vector<std::byte>;

struct MemoryInode {
  explicit MemoryInode(FileKind file_kind) : kind(file_kind) {}

  /// The bytes to write to: a copy if the current ones are shared.
  Content& writable_content();

  FileKind kind;

  // A regular file. A map and `durable` share the content until the next write.
  std::shared_ptr<Content> content = std::make_shared<Content>();
  std::shared_ptr<const Content> durable = std::make_shared<const Content>();
  bool content_is_shared = false;
  bool executable = false;

  std::string symlink_target;

  // A directory.
  std::map<std::string, std::shared_ptr<MemoryInode>> entries;
  std::map<std::string, std::shared_ptr<MemoryInode>> durable_entries;

  unsigned shared_locks = 0;
  bool exclusive_lock = false;
};

using InodePtr = std::shared_ptr<MemoryInode>;

/// `name` in `directory` now refers to `inode`, or to nothing (null).
struct NameChange {
  InodePtr directory;
  std::string name;
  InodePtr inode;
};

/// Changes that happen atomically.
using NameOperation = std::vector<NameChange>;

/// A path, resolved as far as its last name.
struct Location {
  std::vector<InodePtr> parents;  ///< from the root to the directory that holds `name`; not empty
  std::string name;               ///< empty if the path is "/" or ends in "." or ".."
  InodePtr inode;                 ///< null if the name does not exist

  [[nodiscard]] const InodePtr& directory() const { return parents.back(); }
};

/// Chooses the unsynced data that survives a crash.
struct CrashChooser {
  /// Called for each name operation in the log.
  std::function<bool()> keeps_operation;
  /// Called for each file: its content on disk, from its durable and its current bytes.
  std::function<Content(const Content& durable, const Content& current)> content;
};

class MemoryTree {
 public:
  /// Relative paths start at the root. kNotFound if a parent directory is missing. `follow`: follow
  /// a symlink at the end.
  Result<Location> find(const std::string& path, bool follow);

  /// The same, for an existing file.
  Result<InodePtr> find_existing(const std::string& path, bool follow);

  void apply(NameOperation operation);
  void sync_directory(const InodePtr& directory);
  void crash(const CrashChooser& chooser);

  /// Copies the durable and current state of `other`, without locks. Content is shared until either
  /// writes to it.
  void copy_from(MemoryTree& other);

  std::mutex mutex;

 private:
  /// Makes the operations with a true in `keep` durable, with those that they depend on, and
  /// removes them from the log.
  void settle(std::vector<bool> keep);

  InodePtr root_ = std::make_shared<MemoryInode>(FileKind::kDirectory);
  std::vector<NameOperation> unsynced_;
};

}  // namespace bale
