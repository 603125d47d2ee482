// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Looking at the files of a store by their names: what is missing, and what nothing needs.
//
// Debris is what a process left that ended before its work, indexes without packs, and files that
// are none of bale's. It takes room, and harms nobody. A pack without an index is no debris: see
// PackSet::damage().

#pragma once

#include <string>
#include <vector>

#include "bale/file_system.h"
#include "bale/result.h"
#include "store/core/layout.h"

namespace bale {

struct StoreFiles {
  std::vector<std::string> debris;  ///< sentences that begin with a path
  std::vector<Error> damage;        ///< what belongs to a store and is missing
};

/// Looks at the store's directories. Takes locks in staging/ for a moment each, to see whether
/// somebody works there. Memory: the names of one directory, and what is returned.
Result<StoreFiles> look_at_files(FileSystem& file_system, const StoreLayout& layout);

}  // namespace bale
