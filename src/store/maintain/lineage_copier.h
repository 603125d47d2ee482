// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Copying packs in an order that brings together what resembles each other, whichever import
// brought it, so that a builder finds bases across imports: objects of one name after the other,
// newest pack first.
//
// Packs have no paths, so an object's name is the one that the first tree read gives it; all trees
// are read once for that. A malformed tree names only what precedes the error, and is copied like
// any other object. Objects without a name (commits, tags, root trees) come first, by age; the
// others follow by the beginning of the name, a hash of it, and age.

#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "bale/pack_reader.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "bale/store.h"
#include "store/maintain/pack_copier.h"

namespace bale {

struct LineageCopyOptions {
  /// Of the whole copy, the copier's share included: a quarter of it is used here.
  std::uint64_t memory_bytes = 64 << 20;
  std::function<bool(std::uint32_t number, const PackWalk::Entry& entry)> keeps;
  const Operation* operation = nullptr;  ///< required
};

/// Adds all entries of these packs (newest first) that are kept to `copier`, which recompresses.
/// Scratch: 64 bytes an object, and a bit for each of the store's.
Result<void> copy_by_lineage(const Snapshot& store, const std::vector<std::uint32_t>& numbers,
                             PackCopier& copier, const LineageCopyOptions& options);

}  // namespace bale
