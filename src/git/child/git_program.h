// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Running `git` on somebody else's objects without obeying configuration beside them.
//
// A repository's own configuration can run commands (core.sshCommand, core.fsmonitor, hooks, ...)
// and make git fetch what is not there. So git never sees it: it is given a scratch repository of
// ours, with a configuration of ours, whose only tie to the source is GIT_OBJECT_DIRECTORY. There
// is no remote in it, so git cannot fetch; no refs, so there is no replacement; no hooks, no index.
// The environment is ours as well, and nothing of the caller's is passed on but PATH.

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

/// A private directory, removed with all that is in it on destruction; what a process that was
/// killed left is removed when the next one is made (held_directory.h). Move-only.
class ScratchDirectory {
 public:
  /// Below TMPDIR, or else /tmp; for this user only. kIo if that fails.
  [[nodiscard]] static Result<ScratchDirectory> create();

  [[nodiscard]] const std::string& path() const { return directory_.path(); }

  /// Creates or replaces the file `name` inside, atomically. Its parent must be there.
  Result<void> write(std::string_view name, std::string_view content) const;

  /// Removes the file `name`, if it is there.
  void remove(std::string_view name) const;

 private:
  explicit ScratchDirectory(HeldDirectory directory) : directory_(std::move(directory)) {}

  HeldDirectory directory_;
};

/// `git`, run in a scratch repository. Thread-safe but for the writing of the scratch's own files.
/// Children must not outlive it.
class GitProgram {
 public:
  /// Finds git and makes a scratch repository for objects under `hash`. `objects` is the absolute
  /// path of the source's object directory, or empty while only configuration is read. `operation`
  /// must outlive this. kIo where git is not installed or the scratch cannot be made.
  [[nodiscard]] static Result<GitProgram> create(GitHash hash, const std::string& objects,
                                                 const Operation& operation);

  GitProgram(GitProgram&& other) noexcept;
  GitProgram& operator=(GitProgram&& other) = delete;
  GitProgram(const GitProgram&) = delete;
  GitProgram& operator=(const GitProgram&) = delete;
  ~GitProgram() = default;

  /// Children that start from now on read this object directory (absolute). Not thread-safe.
  void use_objects(const std::string& objects);

  /// Starts `git ARGUMENTS`. The thread that does so must live as long as the child.
  [[nodiscard]] Result<ChildProcess> start(std::vector<std::string> arguments, bool with_stdin);

  /// Waits for a child whose output has been read, and remembers how much memory it took.
  Result<ChildExit> wait(ChildProcess& child);

  /// wait(), and kIncomplete unless it succeeded. `what` is what the child was to do: "listing the
  /// objects of PATH"; git's own words follow it.
  Result<void> finish(ChildProcess& child, std::string_view what);

  [[nodiscard]] const ScratchDirectory& scratch() const { return scratch_; }

  [[nodiscard]] const Operation& operation() const { return *operation_; }

  /// The most that one child held at once; see ChildExit.
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
