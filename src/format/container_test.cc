// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "format/container.h"

#include <algorithm>
#include <array>

#include "base/endian.h"
#include "base/known_id.h"
#include "testing/matchers.h"
#include "testing/pack_fixture.h"

namespace bale {
namespace {

// decode_index_layout() of an index of `file_bytes` whose record area begins with zeros.
Result<IndexLayout> layout_of(std::uint64_t count, std::uint64_t file_bytes, bool trailer = false) {
  ByteVector tail(kIndexTrailerBytes);
  if (trailer) {
    const auto start = encode_index_trailer_start({});
    std::copy(start.begin(), start.end(), tail.begin());
  }
  return decode_index_layout(encode_index_header(count), tail, file_bytes);
}

TEST(ContainerTest, HeadersHaveTheBytesOfTheFormat) {
  const FileHeader pack = encode_pack_header(0x0102);
  EXPECT_EQ(as_text(pack), (std::string_view{"LMPK\0\0\0\2\0\0\0\0\0\0\1\2", 16}));
  const FileHeader index = encode_index_header(7);
  EXPECT_EQ(as_text(index), (std::string_view{"LMI\0\0\0\0\2\0\0\0\0\0\0\0\7", 16}));
}

TEST(ContainerTest, AnotherMagicVersionOrLengthIsCorrupt) {
  const FileHeader good = encode_pack_header(3);
  ASSERT_OK_AND_ASSIGN(count, decode_pack_header(good));
  EXPECT_EQ(count, 3u);
  for (std::size_t i = 0; i < kCountPosition; ++i) {
    FileHeader bad = good;
    bad[i] ^= std::byte{1};
    EXPECT_THAT(decode_pack_header(bad), FailsWith(ErrorCode::kCorrupt));
  }
  for (std::size_t length = 0; length < kHeaderBytes; ++length) {
    EXPECT_THAT(decode_pack_header(Bytes(good).first(length)), FailsWith(ErrorCode::kCorrupt));
  }
  EXPECT_THAT(decode_pack_header(encode_index_header(3)), FailsWith(ErrorCode::kCorrupt));
}

TEST(ContainerTest, LayoutFollowsFromCountAndSize) {
  for (const bool trailer : {false, true}) {
    for (std::uint64_t hashes = 0; hashes < 30; ++hashes) {
      for (std::uint64_t changes = 0; changes < 30; ++changes) {
        const std::uint64_t size = kHeaderBytes + hashes * kHashRecordBytes +
                                   changes * kChangeRecordBytes +
                                   (trailer ? kIndexTrailerBytes : 0);
        ASSERT_OK_AND_ASSIGN(layout, layout_of(hashes + changes, size, trailer));
        EXPECT_EQ(layout.hash_count, hashes);
        EXPECT_EQ(layout.change_count, changes);
        EXPECT_EQ(layout.has_trailer, trailer);
      }
    }
  }
}

TEST(ContainerTest, ACountTooLowOrTooHighForTheFileIsCorrupt) {
  // Ten hashes and five change ids: the only other counts that fit are 16 away.
  const std::uint64_t size = kHeaderBytes + 10 * kHashRecordBytes + 5 * kChangeRecordBytes;
  for (std::uint64_t count = 0; count < 31; ++count) {
    if (count == 15) continue;
    EXPECT_THAT(layout_of(count, size), FailsWith(ErrorCode::kCorrupt));
    EXPECT_THAT(layout_of(count, size + kIndexTrailerBytes, true), FailsWith(ErrorCode::kCorrupt));
  }
  EXPECT_THAT(layout_of(UINT64_MAX, size), FailsWith(ErrorCode::kCorrupt, "has room for"));
  EXPECT_THAT(layout_of(UINT64_MAX / kHashRecordBytes, size), FailsWith(ErrorCode::kCorrupt));
}

TEST(ContainerTest, ASizeThatRecordsDoNotFillIsCorrupt) {
  const std::uint64_t size = kHeaderBytes + 10 * kHashRecordBytes;
  for (const std::uint64_t wrong : {size - 1, size + 1, size + 8, size + 41, size + 72}) {
    EXPECT_THAT(layout_of(10, wrong), FailsWith(ErrorCode::kCorrupt)) << wrong;
  }
  EXPECT_THAT(layout_of(0, kHeaderBytes), IsOk());
}

TEST(ContainerTest, IndexTrailerReadsBackAndIsToldApart) {
  Digest pack_trailer;
  pack_trailer.fill(std::byte{7});
  ByteVector bytes(kIndexTrailerBytes + 3, std::byte{9});
  const auto start = encode_index_trailer_start(pack_trailer);
  std::copy(start.begin(), start.end(), bytes.begin() + 3);
  const auto trailer = decode_index_trailer(bytes);
  ASSERT_TRUE(trailer.has_value());
  EXPECT_EQ(trailer->pack_trailer, pack_trailer);
  EXPECT_EQ(trailer->checksum[0], std::byte{9});
  bytes[3] = std::byte{'b'};
  EXPECT_FALSE(decode_index_trailer(bytes).has_value());
  EXPECT_FALSE(decode_index_trailer(Bytes(bytes).first(71)).has_value());
}

TEST(ContainerTest, SortRecordsAreOrderedAsTheIndexIs) {
  const ObjectId low_hash = prefixed_id(1);
  const ObjectId high_hash = prefixed_id(2);
  const std::array<std::byte, 16> zeros{};
  const ObjectId change = known_id<ObjectId>(IdKind::kChangeId, zeros);
  const std::array<SortRecord, 5> ordered = {
      make_sort_record(low_hash, 900), make_sort_record(high_hash, 16),
      make_sort_record(high_hash, 256), make_sort_record(change, 15),
      make_sort_record(change, UINT64_MAX)};
  EXPECT_TRUE(std::is_sorted(ordered.begin(), ordered.end()));
  EXPECT_EQ(sort_record_id(ordered[1]), high_hash);
  EXPECT_EQ(sort_record_offset(ordered[2]), 256u);
  EXPECT_EQ(sort_record_id(ordered[4]), change);
  EXPECT_EQ(sort_record_offset(ordered[4]), UINT64_MAX);
}

}  // namespace
}  // namespace bale
