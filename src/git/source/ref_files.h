// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Reading a repository's refs from their files.
//
// Not through `git for-each-ref`: that leaves out refs whose object is not there and those that are
// broken, obeys the source's configuration, and does not say which refs are symbolic to what is not
// born yet. An archive must have them all, or say that it has not.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bale/git_oid.h"
#include "bale/result.h"
#include "git/source/repository.h"

namespace bale {

/// The refs of a repository at one time. Names are full ("refs/heads/main") and may be any bytes
/// that Git allows in one, not only UTF-8. Memory: in proportion to the number of refs.
struct RefSnapshot {
  /// Every ref that leads to an object id, symbolic ones too; whether the object is there or not.
  /// And detached HEADs of other work trees: see read_refs().
  std::map<std::string, GitOid> refs;
  /// Which refs are symbolic, and to what, also where that leads nowhere. HEAD is not among them.
  std::map<std::string, std::string> symrefs;
  /// "ref: refs/heads/main", or an object id in hex.
  std::string head;
  /// What HEAD leads to; nothing while its branch is not born.
  std::optional<GitOid> head_oid;
  /// Commits whose parents a shallow clone has left out, sorted.
  std::vector<GitOid> shallow;
  /// With BadRefs::kSkip, what was skipped: sentences that begin with the file's path. At most
  /// 1,000.
  std::vector<std::string> bad_refs;
  std::uint64_t bad_refs_omitted = 0;  ///< beyond those
};

/// What to do about a ref whose content or name is not well-formed.
enum class BadRefs : std::uint8_t {
  kRefuse,  ///< kIncomplete, with all of them in one message
  kSkip,    ///< leave it out; if packed-refs has a value for a bad file, that one is taken
};

/// Reads all of it. A linked work tree has its own HEAD, refs/bisect/, refs/worktree/ and
/// refs/rewritten/; the rest is common to all. kIncomplete where HEAD or the shallow boundary is
/// not well-formed, whatever `bad_refs` says; kIo for what cannot be read.
///
/// What only the detached HEAD of another work tree holds is reached by `git rev-list --all` and
/// safe from `git gc`, so it is among the refs: as refs/worktrees/NAME/HEAD, or
/// refs/main-worktree/HEAD (with a number after the second component if the source has such refs
/// itself, and bytes of NAME that a ref may not have as %XX). Other work trees' own refs (bisect,
/// worktree, rewritten) are left out, as both of these do.
///
/// If the repository is written to meanwhile, each ref has a value that it had at some time during
/// the call: loose refs are read before packed ones, as packing moves them that way; and the
/// shallow boundary after both, as it only ever moves with the refs that need it.
[[nodiscard]] Result<RefSnapshot> read_refs(const RepositoryPaths& paths, GitHash hash,
                                            BadRefs bad_refs = BadRefs::kRefuse);

/// The shallow boundary alone; see RefSnapshot::shallow.
[[nodiscard]] Result<std::vector<GitOid>> read_shallow(const RepositoryPaths& paths, GitHash hash);

}  // namespace bale
