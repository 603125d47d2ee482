// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Exporting the files of an archive, or of a directory inside one.
//
//   ArchivePath what = find_archive_path(store, "linux:drivers/net").value();
//   auto summary = bale::export_directory(store, what, "/tmp/net", {});

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bale/archive_name.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "bale/store.h"

namespace bale {

struct DirectoryExportOptions {
  std::uint64_t memory_bytes = 64 << 20;
  Operation operation;
};

struct DirectoryExportSummary {
  std::uint64_t files = 0;      ///< regular files and symlinks
  std::uint64_t bytes_out = 0;  ///< of their content
  /// Entries left out: their object is not in the store and the archive was made without some, or
  /// is neither a blob nor a tree, or is no path for a symlink; and trees that are malformed, of
  /// which the rest is left out. Above 0, the directory is incomplete.
  std::uint64_t skipped = 0;
  /// Entries whose mode contradicts their object's type. They are written by that type.
  std::uint64_t mismatched_entries = 0;
  std::vector<std::string> notes;  ///< one for each of these entries: the first 100
};

/// Writes the tree that `path` leads to as `directory`, which must be new or empty; it appears in
/// one step, when all its files are written. Executable files are executable, symlinks are
/// symlinks, submodules are empty directories. Nothing is ever written outside: kCorrupt for a tree
/// with a name that could lead there or into a Git directory (`..`, `.git` in any disguise).
/// kCorrupt also for an object that the store has lost. kNotFound; kInvalidArgument for a path that
/// leads to a file.
Result<DirectoryExportSummary> export_directory(const Store& store, const ArchivePath& path,
                                                const std::string& directory,
                                                const DirectoryExportOptions& options);

}  // namespace bale
