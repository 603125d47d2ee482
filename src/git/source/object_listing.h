// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Listing the objects of a repository, and those that should be there and are not.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bale/git_oid.h"
#include "bale/result.h"
#include "git/child/git_program.h"

namespace bale {

struct ListRequest {
  /// Where to start: objects of any type, there or not.
  std::vector<GitOid> include;
  /// More of these, which other objects may link to as objects of another type: git would stop at
  /// that. Up to 100,000 of these objects and of those below them are read here, and git walks the
  /// rest. Listed first; `exclude` does not apply to them.
  std::vector<GitOid> misnamed;
  /// What is known already, with everything it reaches. What is not in the source is ignored.
  std::vector<GitOid> exclude;
  /// Also list everything in the object database, reached or not, known or not.
  bool all_objects = false;
};

struct ListedObject {
  GitOid oid;
  /// Where the object stood in the first tree that led to it: a hint. It ends at a newline, is
  /// relative to an included tree, and is empty for roots. Commits and tags have none, nor has what
  /// is missing or comes from the database. Valid during the call.
  std::optional<std::string_view> path;
  /// It is reached, but not in the source.
  bool missing = false;
  /// It comes from the second part of all_objects, and may have been listed before, with a path.
  bool from_database = false;
};

using UseListed = std::function<Result<void>(const ListedObject&)>;

/// Calls `use`, on this thread, for each object that `include` reaches and `exclude` does not: the
/// tags first, then commits (newest first), then trees and blobs, along the history; missing ones
/// are interspersed. Each comes once (but see from_database). With `exclude`, some objects that are
/// known may come nevertheless. Submodules' commits are not objects of the repository.
///
/// An Error from `use` ends the listing and is returned. kIncomplete, with git's words, if git
/// cannot walk the history, which a damaged commit can do; a missing one does not. `shallow` must
/// be sorted and what the scratch repository's `shallow` says; `what` is the source, for messages.
/// One listing at a time for a GitProgram. Memory: 512 KiB, and in proportion to the numbers of
/// refs, of missing parents and of misnamed objects; git's own grows with the history.
Result<void> list_repository_objects(GitProgram& git, const std::string& what,
                                     const std::vector<GitOid>& shallow, const ListRequest& request,
                                     const UseListed& use);

}  // namespace bale
