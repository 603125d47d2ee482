// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A Git repository as a source of refs and objects, for archiving it.
//
//   GitSource source = TRY(GitSource::open(path, operation));
//   const RefSnapshot refs = TRY(source.refs());
//   thread A: source.list_objects(...) -> reader->request(oid) ... reader->finish_requests()
//   thread B: while (object = reader->next()) reader->read(...)
//
// Opening and reading a source runs none of its commands, uses no network, does not write to it and
// ignores its configuration: see git_program.h.

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
  /// Finds the repository of `path`. Errors of find_repository() and read_repository_format(); kIo
  /// if git is not installed. `operation` must outlive the source and its readers.
  [[nodiscard]] static Result<GitSource> open(const std::string& path, const Operation& operation);

  [[nodiscard]] GitHash hash() const { return hash_; }

  /// The absolute path of the git directory: for a linked work tree, its own.
  [[nodiscard]] const std::string& path() const { return paths_.git_dir; }

  /// The current refs; see read_refs(). Later calls of list_objects() use the shallow boundary of
  /// this snapshot.
  Result<RefSnapshot> refs(BadRefs bad_refs = BadRefs::kRefuse);

  /// For sources that must be read completely; call it before listing or reading objects. Errors:
  /// see inspect_object_database(). Afterwards empty loose objects are hidden from git and count as
  /// missing.
  Result<void> check_objects();

  /// Calls `use` for each object that has only an empty file, in no order; twice for one with files
  /// in two directories.
  Result<void> list_empty_files(const std::function<Result<void>(const GitOid&)>& use);

  /// Starts a search for the causes of missing objects; see missing_causes.h.
  [[nodiscard]] Result<std::unique_ptr<MissingSearch>> search_missing(
      const std::string& scratch_directory);

  /// kIncomplete if files that git ignores may hold the missing objects (`missing` describes them
  /// in the message): ignored alternates, packs without an index.
  [[nodiscard]] Result<void> check_unseen(const std::string& missing) const;

  /// For an import of all objects, reached or not: kIncomplete if a pack has no index, or an index
  /// no pack.
  [[nodiscard]] Result<void> check_packs_are_whole() const;

  /// Adds the damaged files of the objects that an Error of listing or reading names; kIo if one of
  /// these files cannot be read.
  [[nodiscard]] Error explain(Error error);

  /// See list_repository_objects(). This thread must live until it returns; one call at a time.
  Result<void> list_objects(const ListRequest& request, const UseListed& use);

  /// A reader of objects; any number may exist. The calling thread must outlive the reader.
  [[nodiscard]] Result<std::unique_ptr<ObjectReader>> start_reader();

  /// The largest peak memory of the git children that have ended; see ChildExit.
  [[nodiscard]] std::uint64_t children_peak_rss_bytes() const { return git_->peak_rss_bytes(); }

 private:
  GitSource(RepositoryPaths paths, GitHash hash, std::unique_ptr<GitProgram> git)
      : paths_(std::move(paths)), hash_(hash), git_(std::move(git)) {}

  Result<void> set_shallow(std::vector<GitOid> shallow);

  // Whether git can read this object and its bytes match the id.
  [[nodiscard]] bool can_read(const GitOid& oid);

  [[nodiscard]] std::string objects() const { return paths_.common_dir + "/objects"; }

  RepositoryPaths paths_;
  GitHash hash_;
  std::unique_ptr<GitProgram> git_;  // its address must not change: readers refer to it
  std::vector<GitOid> shallow_;
  ObjectDatabase database_;  // of check_objects()
  bool without_empty_files_ = false;
};

}  // namespace bale
