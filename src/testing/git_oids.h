// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Git ids for tests.
#pragma once

#include <string>

#include "bale/bytes.h"
#include "bale/git_oid.h"
#include "base/known_id.h"

namespace bale {

/// The id whose bytes are all `fill`.
inline GitOid oid_of(char fill, GitHash hash = GitHash::kSha1) {
  const std::string bytes(oid_bytes(hash), fill);
  return known_id<GitOid>(hash, as_bytes(bytes));
}

}  // namespace bale
