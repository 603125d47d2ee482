// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// When a store's catalog is written anew.

#pragma once

#include "bale/file_system.h"
#include "bale/result.h"
#include "store/core/catalog_writer.h"
#include "store/core/layout.h"
#include "store/core/pack_set.h"

namespace bale {

/// install_catalog() of all packs of `packs`.
Result<void> write_catalog(FileSystem& file_system, const StoreLayout& layout, const PackSet& packs,
                           const CatalogOptions& options);

/// The same, where so many packs are in no catalog that it pays. For those who brought a pack; what
/// goes wrong is no harm, and is not told of.
void keep_catalog_up(const Store& store, bool sync);

}  // namespace bale
