// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Reading a repository's refs from their files.
//
// Not through `git for-each-ref`: that leaves out refs whose object is not there and those that are
// broken, obeys the source's configuration, and does not say which refs are symbolic to what is not
// born yet. An archive must have them all, or say that it has not.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bale/git_oid.h"
#include "bale/result.h"
#include "git/repository.h"

namespace bale {

/// The refs of a repository at one time. Names are full ("refs/heads/main") and may be any bytes
/// that Git allows in one, not only UTF-8. Memory: in proportion to the number of refs.
struct RefSnapshot {
  /// Every ref that leads to an object id, symbolic ones too; whether the object is there or not.
  std::map<std::string, GitOid> refs;
  /// Which refs are symbolic, and to what, also where that leads nowhere. HEAD is not among them.
  std::map<std::string, std::string> symrefs;
  /// "ref: refs/heads/main", or an object id in hex.
  std::string head;
  /// What HEAD leads to; nothing while its branch is not born.
  std::optional<GitOid> head_oid;
  /// Commits whose parents a shallow clone has left out, sorted.
  std::vector<GitOid> shallow;
};

/// Reads all of it. A linked work tree has its own HEAD, refs/bisect/, refs/worktree/ and
/// refs/rewritten/; the rest is common to all. kIncomplete, with its name, for a ref that is not
/// well-formed (its content or its name).
///
/// If the repository is written to meanwhile, each ref has a value that it had at some time during
/// the call: loose refs are read before packed ones, as packing moves them that way; and the
/// shallow boundary after both, as it only ever moves with the refs that need it.
[[nodiscard]] Result<RefSnapshot> read_refs(const RepositoryPaths& paths, GitHash hash);

/// The shallow boundary alone; see RefSnapshot::shallow.
[[nodiscard]] Result<std::vector<GitOid>> read_shallow(const RepositoryPaths& paths, GitHash hash);

}  // namespace bale
