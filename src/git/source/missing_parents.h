// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Commits whose parents are not there, for repositories in which `git rev-list` stops at one.

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

/// Goes through every commit in the object database, reachable or not, and finds those that lack a
/// parent. Commits in `shallow` (sorted) are meant to, and are left out. Memory: in proportion to
/// the damage. Time: that of reading all commits.
[[nodiscard]] Result<std::map<GitOid, SplitParents>> find_missing_parents(
    GitProgram& git, const std::string& what, const std::vector<GitOid>& shallow);

/// The content of a Git grafts file which gives each of these commits only the parents it has.
[[nodiscard]] std::string grafts_without_missing(const std::map<GitOid, SplitParents>& commits);

}  // namespace bale
