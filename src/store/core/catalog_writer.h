// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Making a store's catalog (format/catalog.h) out of the indexes of its packs, which are opened one
// after the other.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bale/file_system.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "store/core/catalog_view.h"
#include "store/core/layout.h"
#include "store/core/pack_shelf.h"

namespace bale {

struct CatalogOptions {
  std::uint64_t memory_bytes = 8 << 20;  ///< for the sort; at least 1 MiB
  bool sync = true;
  Operation operation;
};

/// Whether a pack may be in a catalog: one whose name is no hash may not.
[[nodiscard]] bool has_digest_name(const PackShelf& shelf, std::uint32_t number);

/// Writes the catalog of these packs, newest first by their numbers on the shelf, and puts it in
/// the place of the one before. It is durable before it takes its name: a catalog that is torn
/// would hide objects. Packs whose names are no hashes are left out. Fails where a pack, or its Git
/// index, cannot be opened, with kNotFound where one went meanwhile; then the old catalog stays.
Result<void> install_catalog(FileSystem& file_system, const StoreLayout& layout, PackShelf& shelf,
                             const std::vector<std::uint32_t>& packs,
                             const CatalogOptions& options);

/// The same for oneself: in a file without a name, for those who may not write the store's.
[[nodiscard]] Result<CatalogView> make_private_catalog(FileSystem& file_system,
                                                       const std::string& directory,
                                                       PackShelf& shelf,
                                                       const std::vector<std::uint32_t>& packs,
                                                       const CatalogOptions& options);

}  // namespace bale
