// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/catalog_view.h"

#include <algorithm>

#include "base/check.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/try.h"
#include "format/container.h"
#include "io/page_release.h"
#include "pack/read/mapped_checksum.h"

namespace bale {

Result<CatalogView> CatalogView::open(FileSystem& file_system, const std::string& path) {
  const std::unique_ptr<File> file = TRY(file_system.open(path));
  return from_file(*file, path);
}

Result<CatalogView> CatalogView::from_file(File& file, const std::string& path) {
  CatalogView view;
  view.path_ = path;
  view.map_ = TRY(file.map());
  const Bytes bytes = view.map_->bytes();
  const Result<CatalogHeader> header = decode_catalog_header(bytes, bytes.size());
  if (!header) return fail(ErrorCode::kCorrupt, "{}: {}", path, header.error().message);
  const Bytes magic = bytes.last(kCatalogTrailerBytes).first(catalog_trailer_magic().size());
  if (!std::equal(magic.begin(), magic.end(), catalog_trailer_magic().begin()) ||
      header->pack_count > ~std::uint32_t{0}) {
    return fail(ErrorCode::kCorrupt, "{}: a catalog does not end so", path);
  }
  view.header_ = *header;
  std::size_t position = kCatalogHeaderBytes + header->pack_count * kCatalogNameBytes;
  for (const CatalogRow row : kCatalogRows) {
    const auto number = static_cast<std::size_t>(row);
    const std::size_t stride = catalog_record_bytes(row);
    const std::uint64_t count = header->record_counts.at(number);
    RecordTable& table = view.rows_.at(number);
    table = RecordTable(bytes.subspan(position, count * stride), stride, 0, catalog_key_bytes(row));
    view.memos_.at(number) = GuessMemo::create(count);
    if (view.memos_.at(number)) table.learn_in(*view.memos_.at(number));
    position += count * stride;
  }
  return view;
}

std::string CatalogView::pack_name(std::uint32_t number) const {
  CHECK(number < pack_count());
  return to_hex(
      map_->bytes().subspan(kCatalogHeaderBytes + number * kCatalogNameBytes, kCatalogNameBytes));
}

std::optional<CatalogView::Found> CatalogView::find(CatalogRow row, Bytes key) const {
  const RecordTable& table = rows_.at(static_cast<std::size_t>(row));
  if (table.size() == 0) return std::nullopt;
  const std::uint64_t position = table.find(key);
  if (position == table.size()) return std::nullopt;
  return record(row, position);
}

std::optional<CatalogView::Found> CatalogView::record(CatalogRow row,
                                                      std::uint64_t position) const {
  const Bytes place =
      rows_.at(static_cast<std::size_t>(row)).record(position).last(kCatalogPlaceBytes);
  const Found found{position, load_be<std::uint32_t>(place.data()),
                    load_be<std::uint64_t>(place.data() + 4)};
  if (found.pack >= pack_count()) return std::nullopt;
  return found;
}

Result<void> CatalogView::check_checksum() const {
  return check_ending_checksum(*map_, path_);
}

Result<void> CatalogView::check() const {
  TRY(check_checksum());
  for (const CatalogRow row : kCatalogRows) {
    for (std::uint64_t i = 0; i < record_count(row); ++i) {
      if (i % kRecordsPerRelease == 0) release_pages();
      const bool in_order =
          i == 0 || std::lexicographical_compare(key(row, i - 1).begin(), key(row, i - 1).end(),
                                                 key(row, i).begin(), key(row, i).end());
      if (in_order && record(row, i)) continue;
      return fail(ErrorCode::kCorrupt, "{}: record {} of a row is out of order", path_, i);
    }
  }
  return {};
}

}  // namespace bale
