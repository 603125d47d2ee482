// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "format/catalog.h"

#include <cstring>
#include <string_view>

#include "base/counted.h"
#include "base/endian.h"
#include "base/error.h"

namespace bale {
namespace {

constexpr std::string_view kCatalogMagic{"BCAT", 4};
constexpr std::string_view kCatalogTrailerMagic{"BALECAT1", 8};
constexpr std::uint32_t kCatalogVersion = 1;

// Subtracts `count` items of `bytes` each from the file's remaining bytes; false if there are
// fewer.
bool take(std::uint64_t count, std::uint64_t bytes, std::uint64_t& left) {
  if (count > left / bytes) return false;
  left -= count * bytes;
  return true;
}

}  // namespace

std::array<std::byte, kCatalogHeaderBytes> encode_catalog_header(const CatalogHeader& header) {
  std::array<std::byte, kCatalogHeaderBytes> bytes{};
  std::memcpy(bytes.data(), kCatalogMagic.data(), kCatalogMagic.size());
  store_be<std::uint32_t>(bytes.data() + 4, kCatalogVersion);
  store_be<std::uint64_t>(bytes.data() + 8, header.pack_count);
  for (std::size_t i = 0; i < header.record_counts.size(); ++i) {
    store_be<std::uint64_t>(bytes.data() + kCatalogCountsPosition + 8 * i,
                            header.record_counts.at(i));
  }
  return bytes;
}

Result<CatalogHeader> decode_catalog_header(Bytes bytes, std::uint64_t file_bytes) {
  if (bytes.size() < kCatalogHeaderBytes || as_text(bytes.first(4)) != kCatalogMagic) {
    return fail(ErrorCode::kCorrupt, "not a catalog: it begins with other bytes");
  }
  const auto version = load_be<std::uint32_t>(bytes.data() + 4);
  if (version != kCatalogVersion) {
    return fail(ErrorCode::kCorrupt, "a catalog of the unknown version {}", version);
  }
  CatalogHeader header{.pack_count = load_be<std::uint64_t>(bytes.data() + 8)};
  constexpr std::uint64_t kAround = kCatalogHeaderBytes + kCatalogTrailerBytes;
  std::uint64_t left = file_bytes < kAround ? 0 : file_bytes - kAround;
  bool fits = file_bytes >= kAround && take(header.pack_count, kCatalogNameBytes, left);
  for (const CatalogRow row : kCatalogRows) {
    const auto number = static_cast<std::size_t>(row);
    const auto count = load_be<std::uint64_t>(bytes.data() + kCatalogCountsPosition + 8 * number);
    header.record_counts.at(number) = count;
    fits = fits && take(count, catalog_record_bytes(row), left);
  }
  if (!fits || left != 0) {
    return fail(ErrorCode::kCorrupt, "its counts do not fill a catalog of {}",
                counted(file_bytes, "byte"));
  }
  return header;
}

Bytes catalog_trailer_magic() {
  return as_bytes(kCatalogTrailerMagic);
}

}  // namespace bale
