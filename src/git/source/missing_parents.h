// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Finds commits with missing parents, at which `git rev-list` stops.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "bale/git_oid.h"
#include "bale/result.h"
#include "git/child/git_program.h"

namespace bale {

/// The parents of one commit, in its order.
struct SplitParents {
  std::vector<GitOid> present;
  std::vector<GitOid> missing;
};

/// Reads every commit in the object database, reachable or not, and returns those that lack a
/// parent, except those in `shallow` (sorted). Memory: in proportion to the damage.
[[nodiscard]] Result<std::map<GitOid, SplitParents>> find_missing_parents(
    GitProgram& git, const std::string& what, const std::vector<GitOid>& shallow);

/// A Git grafts file that gives each of these commits only its existing parents.
[[nodiscard]] std::string grafts_without_missing(const std::map<GitOid, SplitParents>& commits);

}  // namespace bale
