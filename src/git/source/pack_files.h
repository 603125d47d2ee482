// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Checks that a Git pack and its index are complete and match.

#pragma once

#include <string>

#include "bale/git_oid.h"
#include "bale/result.h"

namespace bale {

/// Paths.
struct PackFiles {
  std::string pack;
  std::string index;
};

/// kIo if the file cannot be opened. A missing file is not an error.
[[nodiscard]] Result<void> check_readable(const std::string& path);

/// Reads only beginning, end and size of both files. kIo if one cannot be opened or read,
/// kIncomplete if one is missing, truncated or damaged, or they do not match.
[[nodiscard]] Result<void> check_pack_files(const PackFiles& files, GitHash hash);

}  // namespace bale
