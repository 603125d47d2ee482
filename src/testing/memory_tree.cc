// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "testing/memory_tree.h"

#include <algorithm>
#include <deque>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/try.h"

namespace bale {
namespace {

/// Linux's limit of symlinks in one path.
constexpr int kMaxSymlinks = 40;

using Entries = std::map<std::string, InodePtr>;

void set_name(Entries& entries, const NameChange& change) {
  if (change.inode == nullptr) {
    entries.erase(change.name);
  } else {
    entries[change.name] = change.inode;
  }
}

/// Puts the names of `path` before the remaining ones.
void push_names(std::deque<std::string>& names, std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (end > 0) parts.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  names.insert(names.begin(), parts.begin(), parts.end());
}

/// Copies the durable state below an inode; an inode with two names stays one.
class Survivors {
 public:
  explicit Survivors(const CrashChooser& chooser) : chooser_(chooser) {}

  InodePtr copy(const InodePtr& inode) {
    InodePtr& survivor = survivors_[inode.get()];
    if (survivor != nullptr) return survivor;
    InodePtr made = std::make_shared<MemoryInode>(inode->kind);
    survivor = made;  // before going down; `survivor` may dangle after
    made->symlink_target = inode->symlink_target;
    made->executable = inode->executable;
    if (inode->kind == FileKind::kRegular) {
      made->content = std::make_shared<Content>(chooser_.content(*inode->durable, *inode->content));
      made->durable = made->content;
      made->content_is_shared = true;
    }
    for (const auto& [name, child] : inode->durable_entries) made->entries[name] = copy(child);
    made->durable_entries = made->entries;
    return made;
  }

 private:
  const CrashChooser& chooser_;
  std::map<const MemoryInode*, InodePtr> survivors_;
};

/// Copies a tree with its durable and current state.
class Copies {
 public:
  InodePtr copy(const InodePtr& inode) {
    if (inode == nullptr) return nullptr;
    InodePtr& known = copies_[inode.get()];
    if (known != nullptr) return known;
    InodePtr made = std::make_shared<MemoryInode>(inode->kind);
    known = made;  // before going down; `known` may dangle after
    inode->content_is_shared = true;
    made->content = inode->content;
    made->durable = inode->durable;
    made->content_is_shared = true;
    made->executable = inode->executable;
    made->symlink_target = inode->symlink_target;
    for (const auto& [name, child] : inode->entries) made->entries[name] = copy(child);
    for (const auto& [name, child] : inode->durable_entries) {
      made->durable_entries[name] = copy(child);
    }
    return made;
  }

 private:
  std::map<const MemoryInode*, InodePtr> copies_;
};

}  // namespace

Content& MemoryInode::writable_content() {
  if (content_is_shared) {
    content = std::make_shared<Content>(*content);
    content_is_shared = false;
  }
  return *content;
}

Result<Location> MemoryTree::find(const std::string& path, bool follow) {
  const Error not_found =
      fail(ErrorCode::kNotFound, "cannot find {}: No such file or directory", path);
  if (path.empty()) return not_found;
  std::vector<InodePtr> way = {root_};
  std::deque<std::string> names;
  push_names(names, path);
  int symlinks = 0;
  while (!names.empty()) {
    const std::string name = std::move(names.front());
    names.pop_front();
    if (name == ".") continue;
    if (name == "..") {
      if (way.size() > 1) way.pop_back();  // the root is its own parent
      continue;
    }
    const auto entry = way.back()->entries.find(name);
    const InodePtr inode = entry == way.back()->entries.end() ? nullptr : entry->second;
    const bool is_last = names.empty();
    if (inode != nullptr && inode->kind == FileKind::kSymlink && (follow || !is_last)) {
      if (++symlinks > kMaxSymlinks) {
        return fail(ErrorCode::kIo, "cannot find {}: Too many levels of symbolic links", path);
      }
      push_names(names, inode->symlink_target);
      if (inode->symlink_target.starts_with('/')) way = {root_};
      continue;
    }
    if (is_last) return Location{.parents = std::move(way), .name = name, .inode = inode};
    if (inode == nullptr || inode->kind != FileKind::kDirectory) return not_found;
    way.push_back(inode);
  }
  InodePtr end = way.back();
  return Location{.parents = std::move(way), .name = "", .inode = std::move(end)};
}

Result<InodePtr> MemoryTree::find_existing(const std::string& path, bool follow) {
  Location location = TRY(find(path, follow));
  if (location.inode == nullptr) {
    return fail(ErrorCode::kNotFound, "cannot find {}: No such file or directory", path);
  }
  return std::move(location.inode);
}

void MemoryTree::apply(NameOperation operation) {
  for (const NameChange& change : operation) set_name(change.directory->entries, change);
  unsynced_.push_back(std::move(operation));
}

void MemoryTree::sync_directory(const InodePtr& directory) {
  std::vector<bool> keep;
  for (const NameOperation& operation : unsynced_) {
    keep.push_back(std::any_of(operation.begin(), operation.end(), [&](const NameChange& change) {
      return change.directory == directory;
    }));
  }
  settle(std::move(keep));
}

void MemoryTree::crash(const CrashChooser& chooser) {
  std::vector<bool> keep;
  for (std::size_t i = 0; i < unsynced_.size(); ++i) keep.push_back(chooser.keeps_operation());
  settle(std::move(keep));
  unsynced_.clear();
  root_ = Survivors(chooser).copy(root_);
}

void MemoryTree::copy_from(MemoryTree& other) {
  Copies copies;
  root_ = copies.copy(other.root_);
  unsynced_ = other.unsynced_;
  for (NameOperation& operation : unsynced_) {
    for (NameChange& change : operation) {
      change.directory = copies.copy(change.directory);
      change.inode = copies.copy(change.inode);
    }
  }
}

void MemoryTree::settle(std::vector<bool> keep) {
  CHECK(keep.size() == unsynced_.size());
  // From the newest to the oldest: an operation on a name depends on all earlier ones on it.
  std::set<std::pair<const MemoryInode*, std::string>> settled_names;
  for (std::size_t i = unsynced_.size(); i-- > 0;) {
    for (const NameChange& change : unsynced_[i]) {
      if (settled_names.contains({change.directory.get(), change.name})) keep[i] = true;
    }
    if (!keep[i]) continue;
    for (const NameChange& change : unsynced_[i]) {
      settled_names.emplace(change.directory.get(), change.name);
    }
  }
  std::vector<NameOperation> left;
  for (std::size_t i = 0; i < unsynced_.size(); ++i) {
    if (!keep[i]) {
      left.push_back(std::move(unsynced_[i]));
      continue;
    }
    for (const NameChange& change : unsynced_[i]) {
      set_name(change.directory->durable_entries, change);
    }
  }
  unsynced_ = std::move(left);
}

}  // namespace bale
