// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// CatalogView: a store's catalog, searched where it lies in the file: one look-up for any number of
// packs. The grammar is in format/catalog.h.
//
// Thread-safe: nothing changes but hints.

#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "bale/file_system.h"
#include "bale/result.h"
#include "format/catalog.h"
#include "pack/read/guess_memo.h"
#include "pack/read/record_table.h"

namespace bale {

class CatalogView {
 public:
  /// A record: its place in its row, and what it says.
  struct Found {
    std::uint64_t position = 0;
    std::uint32_t pack = 0;  ///< the catalog's number for it, below pack_count()
    std::uint64_t offset = 0;
  };

  /// Checks header, size and the trailer's first bytes. kNotFound if there is none, kCorrupt
  /// otherwise.
  [[nodiscard]] static Result<CatalogView> open(FileSystem& file_system, const std::string& path);

  /// The same for a file that is open already; `path` is for messages.
  [[nodiscard]] static Result<CatalogView> from_file(File& file, const std::string& path);

  [[nodiscard]] std::uint32_t pack_count() const {
    return static_cast<std::uint32_t>(header_.pack_count);
  }

  /// The name of pack `number`, in hex. Requires number < pack_count().
  [[nodiscard]] std::string pack_name(std::uint32_t number) const;

  [[nodiscard]] std::uint64_t record_count(CatalogRow row) const {
    return rows_[static_cast<std::size_t>(row)].size();
  }

  [[nodiscard]] std::uint64_t file_bytes() const { return map_->bytes().size(); }

  /// nullopt where there is no such key, or a record that cannot be.
  [[nodiscard]] std::optional<Found> find(CatalogRow row, Bytes key) const;

  /// The first position whose key is not below `key`.
  [[nodiscard]] std::uint64_t lower_bound(CatalogRow row, Bytes key) const {
    return rows_[static_cast<std::size_t>(row)].lower_bound(key);
  }

  /// Requires position < record_count(row).
  [[nodiscard]] Bytes key(CatalogRow row, std::uint64_t position) const {
    return rows_[static_cast<std::size_t>(row)].key(position);
  }

  /// What the record says; nullopt where that cannot be. Requires position < record_count(row).
  [[nodiscard]] std::optional<Found> record(CatalogRow row, std::uint64_t position) const;

  /// Reads all of the file. kCorrupt if its checksum is not right.
  Result<void> check_checksum() const;

  /// Reads all of the file. kCorrupt if its checksum or its order is not right.
  Result<void> check() const;

  void release_pages() const { map_->release_pages(); }

 private:
  CatalogView() = default;

  std::string path_;
  std::unique_ptr<Mapping> map_;
  CatalogHeader header_;
  std::array<RecordTable, 4> rows_;
  std::array<std::unique_ptr<GuessMemo>, 4> memos_;
};

}  // namespace bale
