// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Histories for tests, made without git: valid blobs, trees, commits and tags, always the same for
// the same name and version. So whoever knows name and version knows every byte of them, and a
// test needs no copy of what it put into a store.
//
//   const SmallHistory& history = small_history("a", 3);    // three commits
//   for (const SmallObject& object : history.objects) expect_in_store(object);
//
// What a version has, all later ones of the name have too. Two of the files that each commit has
// are the same in all histories. "big..." has a file above 1 MiB, and "...256" is of SHA-256.

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
