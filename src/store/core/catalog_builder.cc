// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/catalog_builder.h"

#include "store/core/store_impl.h"

namespace bale {
namespace {

// So many packs beside the catalog cost a look-up of what is nowhere about as much as the catalog
// does: small ones, and large ones (measured, see lookup_bench.cc). Large ones are borne all the
// same while they hold less than a part of what the catalog holds: rewriting it costs what all
// packs together cost, and each record shall be rewritten a few times, not once an import.
constexpr std::size_t kMostBeside = 16;
constexpr std::size_t kMostLargeBeside = 2;
constexpr std::uint64_t kPartBeside = 8;

bool catalog_is_due(const PackSet& packs) {
  if (packs.uncataloged_count() > kMostBeside) return true;
  const PackSet::LargeBeside large = packs.large_beside_catalog();
  if (large.packs <= kMostLargeBeside) return false;
  std::uint64_t cataloged = 0;
  if (const CatalogView* catalog = packs.catalog()) {
    for (const IdKind kind : {IdKind::kContentHash, IdKind::kChangeId}) {
      cataloged += catalog->record_count(catalog_row(kind));
    }
  }
  return large.records >= cataloged / kPartBeside;
}

}  // namespace

Result<void> write_catalog(FileSystem& file_system, const StoreLayout& layout, const PackSet& packs,
                           const CatalogOptions& options) {
  return install_catalog(file_system, layout, packs.shelf(), packs.numbers(), options);
}

void keep_catalog_up(const Store& store, bool sync) {
  const std::shared_ptr<const PackSet> packs = packs_of(store);
  if (!catalog_is_due(*packs)) return;
  static_cast<void>(
      write_catalog(store.file_system(), layout_of(store), *packs, {.sync = sync, .operation = {}})
          .has_value());
}

}  // namespace bale
