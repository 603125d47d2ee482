// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The files in archives/: pointers and locks, and the directories that names with a '/' need.
//
//   archives/linux
//   archives/.linux.lock
//   archives/github.com@/owner@/repo           of the archive github.com/owner/repo
//   archives/github.com@/owner@/.repo.lock
//
// A directory that is empty, or holds locks only, is left from an import that failed or died. It
// harms nobody.

#pragma once

#include <functional>
#include <string>

#include "bale/file_system.h"
#include "bale/result.h"
#include "store/core/layout.h"

namespace bale {

/// A file in archives/, or in one of the directories of names below it.
struct ArchiveFile {
  std::string path;
  std::string name;  ///< of the archive, if this were its pointer: "github.com/owner/repo"
  std::string file;  ///< the last part alone: what begins with a dot is a lock or unfinished
  FileKind kind = FileKind::kRegular;
};

/// Calls `use` for all that lies there, each directory in the order of its names; an Error of it
/// ends the walk. Directories of names are walked through; what else is in the way is shown as it
/// is: other directories, and what lies too deep to have a name. kNotFound where archives/ is
/// missing; directories below that go meanwhile are overlooked.
Result<void> for_each_archive_file(FileSystem& files, const StoreLayout& layout,
                                   const std::function<Result<void>(const ArchiveFile&)>& use);

/// The same for the archives below `name`: of a, those whose names begin with "a/".
Result<void> for_each_archive_file_below(
    FileSystem& files, const StoreLayout& layout, const std::string& name,
    const std::function<Result<void>(const ArchiveFile&)>& use);

/// Makes the directories that the pointer and the lock of this archive lie in, where they are
/// missing. With `sync`, they are durable when this returns.
Result<void> make_archive_directories(FileSystem& files, const StoreLayout& layout,
                                      const std::string& name, bool sync);

/// Removes locks and directories of names from archives/. kInvalidArgument, before anything is
/// removed, where anything else is there.
Result<void> remove_archive_locks(FileSystem& files, const StoreLayout& layout);

/// Whether archives/ holds locks and directories of names only.
Result<bool> holds_no_archive(FileSystem& files, const StoreLayout& layout);

}  // namespace bale
