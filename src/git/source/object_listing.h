// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Lists the objects of a repository, including missing ones.

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
  /// Where to start: objects of any type, missing or not.
  std::vector<GitOid> include;
  /// More starts, to which other objects may link with a wrong type, at which git would stop. Up to
  /// 100,000 of these and the objects below them are read here, and git walks the rest. Listed
  /// first; `exclude` does not apply to them.
  std::vector<GitOid> misnamed;
  /// Known objects, with everything that they reach. Those not in the source are ignored.
  std::vector<GitOid> exclude;
  /// Also list all other objects of the database, known or not.
  bool all_objects = false;
};

struct ListedObject {
  GitOid oid;
  /// The object's first path: a hint. It ends at a newline, is relative to an included tree, and is
  /// empty for roots. nullopt for commits, tags, and objects that are missing or from the database.
  /// Valid during the call.
  std::optional<std::string_view> path;
  /// Reached, but not in the source.
  bool missing = false;
  /// From the second part of all_objects; may have been listed before, with a path.
  bool from_database = false;
};

using UseListed = std::function<Result<void>(const ListedObject&)>;

/// Calls `use`, on this thread, for each object that `include` reaches and `exclude` does not:
/// tags, then commits (newest first), then trees and blobs, along the history, with missing ones
/// interspersed. Each is listed once (but see from_database). With `exclude`, some known objects
/// may still be listed. Submodules' commits are not objects of the repository.
///
/// An Error from `use` ends the listing and is returned. kIncomplete, with git's message, if git
/// cannot walk the history, because of a damaged commit, say, but not a missing one. `shallow` must
/// be sorted and equal the scratch repository's; `what` names the source in messages. One listing
/// at a time per GitProgram. Memory: 512 KiB, and in proportion to the numbers of refs, missing
/// parents and misnamed objects; that of the git child grows with the history.
Result<void> list_repository_objects(GitProgram& git, const std::string& what,
                                     const std::vector<GitOid>& shallow, const ListRequest& request,
                                     const UseListed& use);

}  // namespace bale
