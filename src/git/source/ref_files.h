// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Reads a repository's refs from their files.
//
// `git for-each-ref` does not suffice: it omits broken refs, refs to missing objects, and symbolic
// refs to unborn branches, and uses the source's configuration. An archive must have all refs, or
// report those that it lacks.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bale/git_oid.h"
#include "bale/ref_list.h"
#include "bale/result.h"
#include "git/source/repository.h"

namespace bale {

/// The refs of a repository at one time. Names are full ("refs/heads/main") and may be any bytes
/// that Git allows in one, not only UTF-8. Memory: that of a RefList.
struct RefSnapshot {
  /// Every ref, symbolic ones too, whether its object is there or not; without HEAD. And detached
  /// HEADs of other work trees: see read_refs().
  RefList refs;
  /// "ref: refs/heads/main", or an object id in hex.
  std::string head;
  /// HEAD's object; nullopt if its branch is unborn.
  std::optional<GitOid> head_oid;
  /// Commits whose parents a shallow clone has left out, sorted.
  std::vector<GitOid> shallow;
  /// With BadRefs::kSkip, the skipped refs: sentences that begin with the file's path. At most
  /// 1,000.
  std::vector<std::string> bad_refs;
  std::uint64_t bad_refs_omitted = 0;  ///< beyond those
};

/// What to do about a ref whose content or name is not well-formed.
enum class BadRefs : std::uint8_t {
  kRefuse,  ///< kIncomplete, with all of them in one message
  kSkip,    ///< leave it out, or use its value in packed-refs if there is one
};

/// Reads all of it. Memory: 4 MiB, and in proportion to the number of symbolic refs. A linked work
/// tree has its own HEAD, refs/bisect/, refs/worktree/ and refs/rewritten/; the rest is common to
/// all. kIncomplete where HEAD or the shallow boundary is not well-formed, whatever `bad_refs`
/// says; kIo for what cannot be read.
///
/// Detached HEADs of other work trees, which `git rev-list --all` and `git gc` include, are among
/// the refs: as refs/worktrees/NAME/HEAD, or refs/main-worktree/HEAD (with a number after the
/// second component if the source has such refs itself; invalid bytes of NAME as %XX). Other work
/// trees' own refs (bisect, worktree, rewritten) are left out, as by both of these.
///
/// If the repository changes meanwhile, each ref has a value from some time during the call: loose
/// refs are read before packed ones, as packing moves them in this direction, and the shallow
/// boundary after both, as it moves with the refs that need it.
[[nodiscard]] Result<RefSnapshot> read_refs(const RepositoryPaths& paths, GitHash hash,
                                            const std::string& scratch_directory,
                                            BadRefs bad_refs = BadRefs::kRefuse);

/// The shallow boundary alone; see RefSnapshot::shallow.
[[nodiscard]] Result<std::vector<GitOid>> read_shallow(const RepositoryPaths& paths, GitHash hash);

}  // namespace bale
