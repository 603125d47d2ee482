// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/archive_files.h"

#include <utility>
#include <vector>

#include "bale/archive_name.h"
#include "base/error.h"
#include "base/try.h"
#include "io/path.h"

namespace bale {
namespace {

struct NameDirectory {
  std::string path;
  std::string prefix;  // "a/b/" for archives/a@/b@; empty for archives/
};

using Use = std::function<Result<void>(const ArchiveFile&)>;

// The part of a name that this directory stands for, behind `prefix`; nullopt if it is not one.
std::optional<std::string> part_of_directory(const DirectoryEntry& entry,
                                             const std::string& prefix) {
  if (entry.kind != FileKind::kDirectory || !entry.name.ends_with(kArchiveDirectorySuffix)) {
    return std::nullopt;
  }
  std::string part = entry.name.substr(0, entry.name.size() - 1);
  if (part.find('/') != std::string::npos || !check_archive_name(prefix + part)) {
    return std::nullopt;
  }
  return part;
}

// `directories` are walked through, and hold all that there are in the end, each before those in
// it.
Result<void> walk(FileSystem& files, std::vector<NameDirectory>& directories, const Use& use) {
  for (std::size_t i = 0; i < directories.size(); ++i) {
    const NameDirectory directory = directories[i];
    const Result<std::vector<DirectoryEntry>> entries = files.list(directory.path);
    if (!entries && i > 0 && entries.error().code == ErrorCode::kNotFound) continue;
    if (!entries) return entries.error();
    for (const DirectoryEntry& entry : *entries) {
      const std::string path = join_path(directory.path, entry.name);
      if (const auto part = part_of_directory(entry, directory.prefix)) {
        directories.push_back({path, directory.prefix + *part + "/"});
      } else {
        TRY(use({path, directory.prefix + entry.name, entry.name, entry.kind}));
      }
    }
  }
  return {};
}

bool is_lock(const ArchiveFile& file) {
  return file.kind == FileKind::kRegular && is_archive_lock_name(file.file);
}

Result<void> make_directory(FileSystem& files, const std::string& path) {
  const Result<FileInfo> there = files.stat(path);
  if (there && there->kind == FileKind::kDirectory) return {};
  if (!there && there.error().code != ErrorCode::kNotFound) return there.error();
  Result<void> made = files.create_directory(path);
  // Another import may have made it in between.
  const Result<FileInfo> now = made ? there : files.stat(path);
  if (!made && now && now->kind == FileKind::kDirectory) return {};
  return made;
}

}  // namespace

Result<void> for_each_archive_file(FileSystem& files, const StoreLayout& layout, const Use& use) {
  std::vector<NameDirectory> directories{{layout.archives(), ""}};
  return walk(files, directories, use);
}

Result<void> for_each_archive_file_below(FileSystem& files, const StoreLayout& layout,
                                         const std::string& name, const Use& use) {
  std::vector<NameDirectory> directories{
      {layout.archive(name) + kArchiveDirectorySuffix, name + "/"}};
  if (const Result<FileInfo> there = files.stat(directories.front().path); !there) {
    return there.error().code == ErrorCode::kNotFound ? Result<void>() : there.error();
  }
  return walk(files, directories, use);
}

Result<void> make_archive_directories(FileSystem& files, const StoreLayout& layout,
                                      const std::string& name, bool sync) {
  for (const std::string& directory : layout.archive_directories(name)) {
    TRY(make_directory(files, directory));
    if (sync) TRY(files.sync_directory(parent_directory(directory)));
  }
  return {};
}

Result<bool> holds_no_archive(FileSystem& files, const StoreLayout& layout) {
  bool only_locks = true;
  TRY(for_each_archive_file(files, layout, [&](const ArchiveFile& file) -> Result<void> {
    only_locks = only_locks && is_lock(file);
    return {};
  }));
  return only_locks;
}

Result<void> remove_archive_locks(FileSystem& files, const StoreLayout& layout) {
  std::vector<NameDirectory> directories{{layout.archives(), ""}};
  std::vector<std::string> locks;
  TRY(walk(files, directories, [&](const ArchiveFile& file) -> Result<void> {
    if (!is_lock(file)) {
      return fail(ErrorCode::kInvalidArgument, "{}: it is not a lock", file.path);
    }
    locks.push_back(file.path);
    return {};
  }));
  for (const std::string& path : locks) TRY(files.remove_file(path));
  for (auto directory = directories.rbegin(); directory != directories.rend(); ++directory) {
    if (!directory->prefix.empty()) TRY(files.remove_directory(directory->path));
  }
  return {};
}

}  // namespace bale
