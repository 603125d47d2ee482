// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A Git repository as a source of refs and objects, for archiving it.
//
//   GitSource source = TRY(GitSource::open(path, operation));
//   const RefSnapshot refs = TRY(source.refs());
//   thread A: source.list_objects(...) -> reader->request(oid) ... reader->finish_requests()
//   thread B: while (object = reader->next()) reader->read(...)
//
// Opening and reading a source never runs a command on its behalf, never touches the network, never
// writes to it and never obeys its configuration: see git_program.h.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bale/git_oid.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "git/child/git_program.h"
#include "git/source/missing_causes.h"
#include "git/source/object_database.h"
#include "git/source/object_listing.h"
#include "git/source/object_reader.h"
#include "git/source/ref_files.h"
#include "git/source/repository.h"

namespace bale {

/// Move-only; readers must not outlive it. list_objects() on one thread and readers on others may
/// run at once; refs() may not run together with list_objects().
class GitSource {
 public:
  /// Finds the repository that `path` means: see find_repository() and read_repository_format() for
  /// what is taken and what the errors are. kIo where git is not installed. `operation` must
  /// outlive the source and everything it gives out.
  [[nodiscard]] static Result<GitSource> open(const std::string& path, const Operation& operation);

  [[nodiscard]] GitHash hash() const { return hash_; }

  /// The absolute path of the git directory: a linked work tree's own, where it is one.
  [[nodiscard]] const std::string& path() const { return paths_.git_dir; }

  /// The refs as they are now; see read_refs(). A later list_objects() honours the shallow boundary
  /// of this snapshot.
  Result<RefSnapshot> refs(BadRefs bad_refs = BadRefs::kRefuse);

  /// For sources that must be read completely; call it before objects are listed or read.
  /// Errors: see inspect_object_database(). From here on, git does not see loose objects of no
  /// bytes: they are missing like what is not there.
  Result<void> check_objects();

  /// Calls `use` for each object of which check_objects() found an empty file and git finds nothing
  /// else; in no order, and one in two directories twice.
  Result<void> list_empty_files(const std::function<Result<void>(const GitOid&)>& use);

  /// Finds out why objects are missing, in the files as they are now; see missing_causes.h.
  [[nodiscard]] Result<std::unique_ptr<MissingSearch>> search_missing(
      const std::string& scratch_directory);

  /// kIncomplete where git does not see files that may hold the objects which are missing
  /// (`missing` says which, for the message): alternates that it ignores, packs without an index.
  [[nodiscard]] Result<void> check_unseen(const std::string& missing) const;

  /// For an import of all objects, reached or not: kIncomplete where a pack has no index, or an
  /// index no pack.
  [[nodiscard]] Result<void> check_packs_are_whole() const;

  /// An Error of listing or reading objects, with the files of those objects it names that are
  /// damaged; kIo if one of these files cannot be read.
  [[nodiscard]] Error explain(Error error);

  /// See list_repository_objects(). This thread must live until it returns; one call at a time.
  Result<void> list_objects(const ListRequest& request, const UseListed& use);

  /// A reader of objects; any number may exist. The calling thread must outlive the reader.
  [[nodiscard]] Result<std::unique_ptr<ObjectReader>> start_reader();

  /// The most memory that one git child held, of those that have ended; see ChildExit.
  [[nodiscard]] std::uint64_t children_peak_rss_bytes() const { return git_->peak_rss_bytes(); }

 private:
  GitSource(RepositoryPaths paths, GitHash hash, std::unique_ptr<GitProgram> git)
      : paths_(std::move(paths)), hash_(hash), git_(std::move(git)) {}

  Result<void> set_shallow(std::vector<GitOid> shallow);

  // Whether git gives an object of this id, with the bytes that the id says.
  [[nodiscard]] bool can_read(const GitOid& oid);

  [[nodiscard]] std::string objects() const { return paths_.common_dir + "/objects"; }

  RepositoryPaths paths_;
  GitHash hash_;
  std::unique_ptr<GitProgram> git_;  // where it lies must not change: readers refer to it
  std::vector<GitOid> shallow_;
  ObjectDatabase database_;  // of check_objects()
  bool without_empty_files_ = false;
};

}  // namespace bale
