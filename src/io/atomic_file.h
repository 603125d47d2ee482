// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A file that appears under its final path complete and synced, or not at all.
//
//   AtomicFile out = TRY(AtomicFile::create(files, "objects.pack", Visibility::kVisible));
//   TRY(out.file().write_at(0, bytes));
//   TRY(out.commit());
//
// An existing file of that name stays until the new one replaces it atomically.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "bale/file_system.h"

namespace bale {

enum class Visibility : std::uint8_t {
  /// Written as `final_path + ".part"`, which others can see. A killed process leaves it behind;
  /// the next one truncates and reuses it.
  kVisible,
  /// Written without a name in the same directory, so that nothing is left however the process
  /// ends. If the file system cannot do that, as `.part`.
  kHidden,
};

struct CommitOptions {
  /// Sync the file before it is named, and the directory after. False for callers that do both
  /// themselves (many files in one directory, synced once).
  bool sync = true;
  /// Temporary path of a hidden file that replaces an older one, on the same file system. An
  /// existing file there is removed. Empty: `final_path + ".part"`.
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

  /// Removes the file unless a commit succeeded.
  ~AtomicFile();

  /// The file to write. Stays open until the AtomicFile is destroyed.
  [[nodiscard]] File& file() { return *file_; }

  [[nodiscard]] const std::string& final_path() const { return final_path_; }

  /// Syncs the bytes so far; the commit syncs only those written since. After a failure every
  /// commit fails with the same error.
  Result<void> sync();

  /// Gives the file its final path; call it once. If only the last step fails, syncing the
  /// directory, the file has its final path but a power cut may undo that. After any other failure
  /// the final path is unchanged.
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
