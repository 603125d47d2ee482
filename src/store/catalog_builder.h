// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Making a store's catalog (format/catalog.h) out of the indexes of its packs.

#pragma once

#include <cstdint>

#include "bale/file_system.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "store/layout.h"
#include "store/pack_set.h"

namespace bale {

struct CatalogOptions {
  std::uint64_t memory_bytes = 8 << 20;  ///< for the sort; at least 1 MiB
  bool sync = true;
  Operation operation;
};

/// Writes the catalog of all packs of `packs`, and puts it in the place of the one before. It is
/// durable before it takes its name: a catalog that is torn would hide objects. Packs whose names
/// are no hashes are left out. Fails where a pack's index cannot be read to its end, or where a
/// pack went meanwhile; then the old catalog stays.
Result<void> write_catalog(FileSystem& file_system, const StoreLayout& layout, const PackSet& packs,
                           const CatalogOptions& options);

/// The same, where so many packs are in no catalog that it pays. For those who brought a pack; what
/// goes wrong is no harm, and is not told of.
void keep_catalog_up(const Store& store, bool sync);

}  // namespace bale
