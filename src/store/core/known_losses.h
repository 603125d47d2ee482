// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// STORE/lost: the objects that the last repair could not restore. An import that finds one of them
// still missing lists its whole source, so that it restores what that source has.
//
//   lost   lines: HEX, ascending; then "more" if the list is not complete

#pragma once

#include <set>

#include "bale/file_system.h"
#include "bale/git_oid.h"
#include "bale/result.h"
#include "bale/store.h"
#include "store/core/layout.h"

namespace bale {

struct KnownLosses {
  const std::set<GitOid>& oids;
  bool more = false;  ///< there are others
};

/// Replaces the list atomically; removes it where there are no losses.
Result<void> write_known_losses(FileSystem& files, const StoreLayout& layout,
                                const KnownLosses& losses, bool sync);

/// Whether the store is known to lack objects: a pack is damaged so that it cannot be opened, or
/// the list names an object that is still missing. True also where the list cannot be read.
/// Memory: 64 KiB.
[[nodiscard]] bool has_known_losses(const Snapshot& store);

}  // namespace bale
