// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Any bytes as a store's catalog: look-ups stay in the file and in its packs, and what check()
// finds right is found.

#include <cstdint>
#include <span>
#include <string>

#include "base/check.h"
#include "store/core/catalog_view.h"
#include "testing/memory_file_system.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bale;
  MemoryFileSystem files;
  {
    const auto file = files.create("/catalog", CreateMode::kTruncate);
    CHECK(file.has_value());
    CHECK((*file)->write_at(0, std::as_bytes(std::span(data, size))).has_value());
  }
  const auto view = CatalogView::open(files, "/catalog");
  if (!view) return 0;
  const bool sound = view->check().has_value();
  for (std::uint32_t i = 0; i < view->pack_count(); ++i) CHECK(view->pack_name(i).size() == 64);
  for (const CatalogRow row : kCatalogRows) {
    for (std::uint64_t i = 0; i < view->record_count(row); ++i) {
      const Bytes key = view->key(row, i);
      const auto found = view->find(row, key);
      CHECK(!found || found->pack < view->pack_count());
      CHECK(!sound || (found && found->position == i));
      CHECK(view->lower_bound(row, key) <= view->record_count(row));
    }
  }
  return 0;
}
