// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Exporting the files of an archive, or of a directory inside one.
//
//   auto what = bale::find_archive_path(store, "linux:drivers/net");
//   if (!what) return what.error();
//   auto summary = bale::export_directory(store, *what, "/tmp/net", {});

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bale/archive_name.h"
#include "bale/export.h"
#include "bale/result.h"
#include "bale/store.h"
#include "bale/work_options.h"

namespace bale {

struct DirectoryExportOptions {
  WorkOptions work{};
};

struct DirectoryExportSummary {
  std::uint64_t files = 0;      ///< regular files and symlinks
  std::uint64_t bytes_out = 0;  ///< of their content
  /// Entries left out: the archive was imported without their object, or the object is neither a
  /// blob nor a tree, or not a valid symlink target. A malformed tree counts as one; its readable
  /// entries are written. Above 0, the directory is incomplete.
  std::uint64_t skipped = 0;
  /// Entries whose mode contradicts their object's type. They are written by that type.
  std::uint64_t mismatched_entries = 0;
  std::vector<std::string> notes;  ///< one for each of these entries: the first 100
};

/// Writes the tree at `path` as `directory`, which must be new or empty; it appears in one step,
/// when all its files are written. Executable files, symlinks and submodules (as empty directories)
/// are preserved. Nothing is written outside `directory`: kCorrupt for a tree with a name that
/// could escape it or name a Git directory (`..`, `.git` in any disguise). kCorrupt also for an
/// object that the store has lost, kNotFound, kInvalidArgument if `path` is a file, kInterrupted,
/// kIo.
BALE_EXPORT Result<DirectoryExportSummary> export_directory(const Snapshot& store,
                                                            const ArchivePath& path,
                                                            const std::string& directory,
                                                            const DirectoryExportOptions& options);

}  // namespace bale
