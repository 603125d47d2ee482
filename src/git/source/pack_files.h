// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A Git pack and its index as files: whether they are whole and belong together.

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

/// kIo where the file cannot be opened. What is no longer there is no error.
[[nodiscard]] Result<void> check_readable(const std::string& path);

/// Of both files, reads only beginning, end and size. kIo for one that cannot be opened or read,
/// kIncomplete for one that is gone, cut off or damaged, or where they do not belong together.
[[nodiscard]] Result<void> check_pack_files(const PackFiles& files, GitHash hash);

}  // namespace bale
