// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A file that appears under its final path whole and synced, or not at all.
//
//   AtomicFile out = TRY(AtomicFile::create(files, "objects.pack", Visibility::kVisible));
//   TRY(out.file().write_at(0, bytes));
//   TRY(out.commit());
//
// An older file of that name stays until the new one takes its place, in one step.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "bale/file_system.h"

namespace bale {

enum class Visibility : std::uint8_t {
  /// Grows as `final_path + ".part"`, where others can watch it. A stale one is taken over and
  /// emptied; a killed process leaves one.
  kVisible,
  /// Grows without a name in the same directory: nothing is left of it, however the process ends.
  /// Where the file system cannot do that it grows as `.part` after all.
  kHidden,
};

struct CommitOptions {
  /// Sync the file before it gets its name, and the directory after. False is for callers that do
  /// both themselves (many files into one directory, synced once).
  bool sync = true;
  /// Where a hidden file stands for a moment before it replaces an older one: on the same file
  /// system, and what lies there is removed. Empty: `final_path + ".part"`.
  std::string staging_path;
};

/// Move-only, not thread-safe. Needs a few KiB of memory, and 32 KiB of stack in the rare commit
/// that must copy.
class AtomicFile {
 public:
  /// `files` must outlive the result. kInvalidArgument if `final_path` is a directory, a device or
  /// the like, which a rename must not replace.
  [[nodiscard]] static Result<AtomicFile> create(FileSystem& files, std::string final_path,
                                                 Visibility visibility);

  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Without a commit that succeeded, removes what it made.
  ~AtomicFile();

  /// Where to write. Stays open, and the same, until the AtomicFile is destroyed.
  [[nodiscard]] File& file() { return *file_; }

  [[nodiscard]] const std::string& final_path() const { return final_path_; }

  /// Syncs the bytes so far. The commit syncs again what was written since, so a caller may time
  /// this alone. After a failure every commit fails with the same error.
  Result<void> sync();

  /// Gives the file its final path; call it once. If only the very last step fails, syncing the
  /// directory, the whole file is there under its final path but a power cut may undo that; after
  /// any other failure the final path is as it was.
  Result<void> commit(const CommitOptions& options = {});

 private:
  AtomicFile(FileSystem& files, std::string final_path)
      : files_(&files), final_path_(std::move(final_path)) {}

  [[nodiscard]] std::string default_part_path() const { return final_path_ + ".part"; }

  Result<void> create_part();
  Result<void> commit_hidden(const CommitOptions& options);
  Result<void> copy_to_part(const CommitOptions& options);
  void abandon();

  FileSystem* files_;
  std::string final_path_;
  std::unique_ptr<File> file_;
  std::string part_path_;  // the name that destruction removes; empty if there is none
  std::optional<Error> failure_;
  bool committed_ = false;
};

}  // namespace bale
