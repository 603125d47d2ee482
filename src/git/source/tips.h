// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Where a walk through a repository's objects starts or stops: ids sorted into what git can walk
// from, tags, and what is not there.
//
// `git rev-list` stops at a tip that is missing or a tag whose object is, so both are taken from
// it: we follow tags ourselves.

#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "bale/git_oid.h"
#include "bale/result.h"
#include "git/source/object_reader.h"

namespace bale {

struct Tips {
  std::vector<GitOid> walkable;  ///< commits, trees and blobs that are there
  std::vector<GitOid> tags;      ///< annotated tags that are there
  std::vector<GitOid> missing;
};

/// Sorts `oids`, and all that the tags among them lead to; each id stands in the result once, in
/// order of discovery. `reader` must have no open requests, and has none afterwards. kIncomplete
/// for a tag that is not well-formed. Memory: in proportion to the number of ids.
[[nodiscard]] Result<Tips> resolve_tips(ObjectReader& reader, const std::vector<GitOid>& oids);

using UseObject = std::function<Result<void>(const SourceObject&)>;
using UsePayload = std::function<Result<void>(const SourceObject&, std::string_view beginning)>;

/// Asks for type and size of each of `oids`, and gives `use` the answers in their order. Both sides
/// of `reader` are used, by this thread.
Result<void> look_up(ObjectReader& reader, std::span<const GitOid> oids, const UseObject& use);

/// The same with the first `limit_bytes` of each payload (none for what is missing).
Result<void> read_beginnings(ObjectReader& reader, std::span<const GitOid> oids,
                             std::size_t limit_bytes, const UsePayload& use);

}  // namespace bale
