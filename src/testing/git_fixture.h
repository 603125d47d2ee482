// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Git repositories for tests, created by `git` itself.
//
// The environment is fixed (no configuration of the user's, one author, a clock that starts at one
// moment and moves a minute a commit), so object ids are the same every time. A failing git command
// ends the test program, after printing git's messages.
//
//   GitFixture git;
//   git.write("a.txt", "one\n");
//   const GitOid first = git.commit("first");
//   const std::string bare = git.clone("bare", {"--bare"});

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bale/git_oid.h"
#include "testing/temp_directory.h"

namespace bale {

/// The id of an object that does not exist.
inline const std::string kAbsentOid = "1234567890123456789012345678901234567890";

/// A directory with a repository `repo` on the branch main; others can be created beside it. Not
/// thread-safe.
class GitFixture {
 public:
  explicit GitFixture(GitHash hash = GitHash::kSha1);

  /// The repository's work tree, the default of all calls.
  [[nodiscard]] const std::string& path() const { return path_; }

  /// Its git directory.
  [[nodiscard]] std::string git_dir() const { return path_ + "/.git"; }

  /// A path beside the repository.
  [[nodiscard]] std::string beside(const std::string& name) const { return directory_ / name; }

  /// `git ARGUMENTS`; returns its output without the last newline.
  std::string run(const std::vector<std::string>& arguments);
  std::string run_in(const std::string& directory, const std::vector<std::string>& arguments);
  std::string run_with_input(const std::vector<std::string>& arguments, std::string_view input);
  std::string run_in_with_input(const std::string& directory,
                                const std::vector<std::string>& arguments, std::string_view input);

  /// Writes a file of the work tree, and its directories. The name may be any bytes.
  void write(const std::string& name, std::string_view content) const;

  /// Commits the work tree, even if nothing changed.
  GitOid commit(const std::string& message);

  /// The id of `revision`: "HEAD", "main:a.txt", "refs/tags/v1".
  GitOid oid(const std::string& revision);

  /// A loose blob that nothing refers to.
  GitOid write_blob(std::string_view content);

  /// An object of any type, byte for byte, even malformed.
  GitOid write_object(std::string_view type, std::string_view content);

  /// An annotated tag on any object.
  GitOid tag(const std::string& name, const GitOid& target);

  /// A merge of these branches into the current one; any number, whatever they contain.
  GitOid merge(const std::vector<std::string>& branches);

  /// Adds an entry for a submodule's commit to the index; commit() with plain `git commit` after it
  /// would drop it again, so this commits too.
  GitOid commit_submodule(const std::string& name, const GitOid& commit);

  /// `git clone ARGUMENTS` of the repository over file://, so that nothing is shared; returns the
  /// path of the clone, beside it. {"--bare"}, {"--depth=1"}, {"--filter=blob:none"}, {"--mirror"}.
  std::string clone(const std::string& name, const std::vector<std::string>& arguments = {});

  /// A linked work tree on a new branch of the same name.
  std::string add_worktree(const std::string& name);

  /// Deletes a loose object's file: the repository is damaged from here on.
  void remove_object(const GitOid& oid) const;

  /// The path of a loose object.
  [[nodiscard]] std::string loose_path(const GitOid& oid) const;

 private:
  std::string execute(const std::string& directory, const std::vector<std::string>& arguments,
                      std::string_view input);

  TempDirectory directory_;
  std::string path_;
  std::int64_t clock_seconds_ = 1'700'000'000;
};

/// Writes a file anywhere, with its directories. Ends the program on failure.
void write_test_file(const std::string& path, std::string_view content);

/// The content of a file. Ends the program if it cannot be read.
[[nodiscard]] std::string read_test_file(const std::string& path);

}  // namespace bale
