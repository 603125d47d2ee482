// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Histories for tests, created without git: valid blobs, trees, commits and tags, determined by
// name and version, so that a test needs no copy of the objects that it put into a store.
//
//   const SmallHistory& history = small_history("a", 3);    // three commits
//   for (const SmallObject& object : history.objects) expect_in_store(object);
//
// A version's objects are in all later versions of the name. Two of each commit's files are the
// same in all histories. "big..." has a file above 1 MiB, and "...256" uses SHA-256.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bale/git_oid.h"
#include "bale/object.h"

namespace bale {

struct SmallObject {
  GitOid oid;
  ObjectType type = ObjectType::kBlob;
  std::string payload;
  std::uint64_t lineage = 0;  ///< see StagedPack::add
};

struct SmallHistory {
  GitHash hash = GitHash::kSha1;
  std::vector<SmallObject> objects;    ///< newest first, each once
  std::map<std::string, GitOid> refs;  ///< a branch, and a tag for the newest commit
};

/// Requires version >= 1. Thread-safe; the result lives as long as the program.
[[nodiscard]] const SmallHistory& small_history(const std::string& name, int version);

}  // namespace bale
