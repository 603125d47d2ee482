// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Runs `git` on untrusted objects without using their repository's configuration.
//
// A repository's configuration can run commands (core.sshCommand, core.fsmonitor, hooks, ...) and
// make git fetch missing objects. So git runs in a scratch repository with our configuration, tied
// to the source only by GIT_OBJECT_DIRECTORY. It has no remote, so git cannot fetch; no refs, so no
// replacements; no hooks, no index. Of the caller's environment only PATH is passed on.

#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bale/git_oid.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "git/child/process.h"
#include "io/held_directory.h"

namespace bale {

/// A private directory, removed with its contents on destruction; those of killed processes are
/// removed when the next one is created (held_directory.h). Move-only.
class ScratchDirectory {
 public:
  /// Below TMPDIR (default: /tmp), accessible to this user only. kIo if that fails.
  [[nodiscard]] static Result<ScratchDirectory> create();

  [[nodiscard]] const std::string& path() const { return directory_.path(); }

  /// Creates or replaces the file `name` inside, atomically. Its parent must exist.
  Result<void> write(std::string_view name, std::string_view content) const;

  /// Removes the file `name` if it exists.
  void remove(std::string_view name) const;

 private:
  explicit ScratchDirectory(HeldDirectory directory) : directory_(std::move(directory)) {}

  HeldDirectory directory_;
};

/// `git`, run in a scratch repository. Thread-safe except for changes to the scratch's files.
/// Children must not outlive it.
class GitProgram {
 public:
  /// Finds git and makes a scratch repository for objects under `hash`. `objects` is the absolute
  /// path of the source's object directory, or empty while only configuration is read. `operation`
  /// must outlive this. kIo if git is not installed or the scratch cannot be created.
  [[nodiscard]] static Result<GitProgram> create(GitHash hash, const std::string& objects,
                                                 const Operation& operation);

  GitProgram(GitProgram&& other) noexcept;
  GitProgram& operator=(GitProgram&& other) = delete;
  GitProgram(const GitProgram&) = delete;
  GitProgram& operator=(const GitProgram&) = delete;
  ~GitProgram() = default;

  /// Later children read this object directory (absolute). Not thread-safe.
  void use_objects(const std::string& objects);

  /// Starts `git ARGUMENTS`. The calling thread must outlive the child.
  [[nodiscard]] Result<ChildProcess> start(std::vector<std::string> arguments, bool with_stdin);

  /// Waits for a child whose output has been read, and records its peak memory.
  Result<ChildExit> wait(ChildProcess& child);

  /// wait(), and kIncomplete unless the child succeeded. `what` names its task in the message,
  /// before git's own words: "listing the objects of PATH".
  Result<void> finish(ChildProcess& child, std::string_view what);

  [[nodiscard]] const ScratchDirectory& scratch() const { return scratch_; }

  [[nodiscard]] const Operation& operation() const { return *operation_; }

  /// The largest peak memory of a child; see ChildExit.
  [[nodiscard]] std::uint64_t peak_rss_bytes() const { return peak_rss_bytes_.load(); }

 private:
  GitProgram(std::string program, ScratchDirectory scratch, std::vector<std::string> environment,
             const Operation& operation);

  std::string program_;
  ScratchDirectory scratch_;
  std::vector<std::string> environment_;
  const Operation* operation_;
  std::atomic<std::uint64_t> peak_rss_bytes_ = 0;
};

/// The Error for a child that did not succeed.
[[nodiscard]] Error git_failure(const ChildExit& how, std::string_view stderr_tail,
                                std::string_view what);

}  // namespace bale
