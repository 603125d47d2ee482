// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The starts or ends of a walk through a repository's objects: ids divided into walkable objects,
// tags, and missing ones.
//
// `git rev-list` fails at a missing tip or a tag of a missing object, so it gets neither: we follow
// tags ourselves.

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
  std::vector<GitOid> walkable;  ///< existing commits, trees and blobs
  std::vector<GitOid> tags;      ///< existing annotated tags
  std::vector<GitOid> missing;
};

/// Classifies `oids` and the targets of their tags; each id is in the result once, in order of
/// discovery. `reader` must have no open requests, and has none afterwards. kIncomplete for a
/// malformed tag. Memory: in proportion to the number of ids.
[[nodiscard]] Result<Tips> resolve_tips(ObjectReader& reader, const std::vector<GitOid>& oids);

using UseObject = std::function<Result<void>(const SourceObject&)>;
using UsePayload = std::function<Result<void>(const SourceObject&, std::string_view beginning)>;

/// Requests type and size of each of `oids`, and passes the answers to `use` in their order. This
/// thread uses both sides of `reader`.
Result<void> look_up(ObjectReader& reader, std::span<const GitOid> oids, const UseObject& use);

/// The same with the first `limit_bytes` of each payload (none for a missing object).
Result<void> read_beginnings(ObjectReader& reader, std::span<const GitOid> oids,
                             std::size_t limit_bytes, const UsePayload& use);

}  // namespace bale
