// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The header of a store's catalog.

#include "format/catalog.h"

#include "testing/matchers.h"

namespace bale {
namespace {

constexpr CatalogHeader kHeader{.pack_count = 3, .record_counts = {1, 2, 3, 4}};
constexpr std::uint64_t kFileBytes =
    kCatalogHeaderBytes + 3 * 32 + 1 * 32 + 2 * 44 + 3 * 44 + 4 * 28 + kCatalogTrailerBytes;

TEST(CatalogHeaderTest, ComesBackEqual) {
  const auto bytes = encode_catalog_header(kHeader);
  ASSERT_OK_AND_ASSIGN(header, decode_catalog_header(bytes, kFileBytes));
  EXPECT_EQ(header, kHeader);
}

TEST(CatalogHeaderTest, EveryOtherFileSizeIsCorrupt) {
  const auto bytes = encode_catalog_header(kHeader);
  for (std::uint64_t size = 0; size < 2 * kFileBytes; ++size) {
    if (size == kFileBytes) continue;
    EXPECT_THAT(decode_catalog_header(bytes, size), FailsWith(ErrorCode::kCorrupt)) << size;
  }
}

TEST(CatalogHeaderTest, EveryChangedBitIsCorrupt) {
  for (std::size_t bit = 0; bit < 8 * kCatalogHeaderBytes; ++bit) {
    auto bytes = encode_catalog_header(kHeader);
    bytes.at(bit / 8) ^= std::byte{static_cast<unsigned char>(1U << bit % 8)};
    // Two rows have records of the same size: only the sum of their counts is checked.
    EXPECT_THAT(decode_catalog_header(bytes, kFileBytes), FailsWith(ErrorCode::kCorrupt)) << bit;
  }
}

TEST(CatalogHeaderTest, EveryTruncationIsCorrupt) {
  const auto bytes = encode_catalog_header(kHeader);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(decode_catalog_header(Bytes(bytes).first(size), kFileBytes),
                FailsWith(ErrorCode::kCorrupt))
        << size;
  }
}

TEST(CatalogHeaderTest, CountsWhoseBytesOverflowAreCorrupt) {
  for (std::size_t row = 0; row < 4; ++row) {
    CatalogHeader header = kHeader;
    header.record_counts.at(row) = ~std::uint64_t{0} / 4 + 1;
    EXPECT_THAT(decode_catalog_header(encode_catalog_header(header), kFileBytes),
                FailsWith(ErrorCode::kCorrupt));
  }
}

}  // namespace
}  // namespace bale
