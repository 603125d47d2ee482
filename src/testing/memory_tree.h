// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The tree of files and directories inside a MemoryFileSystem, and what a power cut does to it.
//
// What is durable is kept apart from what is there now, as a disk and the memory before it are:
// - a file has its current bytes and those of its last sync();
// - a directory has its current names and the durable ones. Between the two stands a log of name
//   operations (create, remove, rename), oldest first. Syncing a directory moves those that touch
//   it from the log into the durable names. A rename is one operation: both of its names change,
//   or neither, as on every file system that keeps a journal.
// A crash makes some of the log durable, mixes each file's current bytes into its durable ones as
// the chooser says, and goes on with a copy of what is durable: files, maps and locks from before
// the crash belong to the dead program and reach nothing any more.
//
// Not thread-safe but through `mutex`, which the caller holds around each call.

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

  /// The bytes to write to: a copy of its own, if anybody else looks at the current ones.
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

/// `name` in `directory` stands for `inode` from now on, or for nothing (null).
struct NameChange {
  InodePtr directory;
  std::string name;
  InodePtr inode;
};

/// Changes that happen all together or not at all.
using NameOperation = std::vector<NameChange>;

/// A path, resolved as far as its last name.
struct Location {
  std::vector<InodePtr> parents;  ///< from the root to the directory that holds `name`; not empty
  std::string name;               ///< empty where the path is "/" or ends in "." or ".."
  InodePtr inode;                 ///< null where nothing has that name

  [[nodiscard]] const InodePtr& directory() const { return parents.back(); }
};

/// What survives a crash of what was never synced.
struct CrashChooser {
  /// Asked for each name operation in the log.
  std::function<bool()> keeps_operation;
  /// Asked for each file: what the disk holds, out of its durable and its current bytes.
  std::function<Content(const Content& durable, const Content& current)> content;
};

class MemoryTree {
 public:
  /// Relative paths start at the root. kNotFound where a directory on the way is missing. A symlink
  /// at the end is followed where `follow` says so.
  Result<Location> find(const std::string& path, bool follow);

  /// The same, for what must be there.
  Result<InodePtr> find_existing(const std::string& path, bool follow);

  void apply(NameOperation operation);
  void sync_directory(const InodePtr& directory);
  void crash(const CrashChooser& chooser);

  /// Becomes as `other` is, with what is durable there and what is not, but with no lock taken.
  /// Content is shared until either writes to it.
  void copy_from(MemoryTree& other);

  std::mutex mutex;

 private:
  /// Makes the operations with a true in `keep` durable, and those that they build upon, and takes
  /// them out of the log.
  void settle(std::vector<bool> keep);

  InodePtr root_ = std::make_shared<MemoryInode>(FileKind::kDirectory);
  std::vector<NameOperation> unsynced_;
};

}  // namespace bale
