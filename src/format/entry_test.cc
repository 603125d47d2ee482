// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "format/entry.h"

#include <array>
#include <vector>

#include "testing/matchers.h"
#include "testing/pack_fixture.h"

namespace bale {
namespace {

ByteVector encode(const EntryHeader& header, StoredSizeForm form = StoredSizeForm::kShortest) {
  ByteVector bytes(kMaxEntryHeaderBytes);
  bytes.resize(encode_entry_header(header, form, bytes.data()));
  return bytes;
}

const ObjectId kHash = test_id(IdKind::kContentHash, 1);
const ObjectId kChange = test_id(IdKind::kChangeId, 1);
const ObjectId kBase = test_id(IdKind::kContentHash, 2);

// All kinds of id, types and lengths of numbers.
std::vector<EntryHeader> interesting_headers() {
  std::vector<EntryHeader> headers;
  for (const ObjectId& id : {kHash, kChange}) {
    for (const EntryType type : {EntryType::kBlob, EntryType::kTree, EntryType::kState,
                                 EntryType::kAction, EntryType::kDelta}) {
      for (const std::uint64_t size :
           {std::uint64_t{0}, std::uint64_t{15}, std::uint64_t{16}, std::uint64_t{2047},
            std::uint64_t{2048}, kMaxDeltaObjectBytes, kMaxObjectBytes, UINT64_MAX}) {
        if (type == EntryType::kDelta && size > kMaxDeltaObjectBytes) continue;
        headers.push_back({.id = id,
                           .type = type,
                           .size = size,
                           .stored_size = size / 3,
                           .base = type == EntryType::kDelta ? kBase : ObjectId()});
      }
    }
  }
  return headers;
}

TEST(EntryTest, HasTheBytesOfTheFormat) {
  const ByteVector bytes =
      encode({.id = kChange, .type = EntryType::kTree, .size = 0x123, .stored_size = 0x85});
  ASSERT_EQ(bytes.size(), 1u + 16 + 2 + 2);
  EXPECT_EQ(bytes[0], std::byte{1});
  EXPECT_TRUE(std::equal(kChange.bytes().begin(), kChange.bytes().end(), bytes.begin() + 1));
  EXPECT_EQ(bytes[17], std::byte{0x80 | 1 << 4 | 0x3});  // more follows, tree, low 4 bits
  EXPECT_EQ(bytes[18], std::byte{0x12});
  EXPECT_EQ(bytes[19], std::byte{0x85});
  EXPECT_EQ(bytes[20], std::byte{0x01});
}

TEST(EntryTest, ADeltaEndsWithItsTaggedBase) {
  const ByteVector bytes =
      encode({.id = kHash, .type = EntryType::kDelta, .size = 1, .stored_size = 2, .base = kBase});
  ASSERT_EQ(bytes.size(), 33u + 1 + 1 + 33);
  EXPECT_EQ(bytes[33], std::byte{4 << 4 | 1});
  EXPECT_EQ(bytes[35], std::byte{0});
  EXPECT_TRUE(std::equal(kBase.bytes().begin(), kBase.bytes().end(), bytes.begin() + 36));
}

TEST(EntryTest, EveryHeaderReadsBackInBothForms) {
  for (const EntryHeader& header : interesting_headers()) {
    for (const StoredSizeForm form : {StoredSizeForm::kShortest, StoredSizeForm::kPadded}) {
      ByteVector bytes = encode(header, form);
      const std::size_t length = bytes.size();
      bytes.resize(length + 5, std::byte{0xff});  // the bytes after it are ignored
      ASSERT_OK_AND_ASSIGN(decoded, decode_entry_header(bytes));
      EXPECT_EQ(decoded.id, header.id);
      EXPECT_EQ(decoded.type, header.type);
      EXPECT_EQ(decoded.size, header.size);
      EXPECT_EQ(decoded.stored_size, header.stored_size);
      EXPECT_EQ(decoded.header_bytes, length);
      if (header.is_delta()) {
        EXPECT_EQ(decoded.base, header.base);
      } else {
        EXPECT_EQ(decoded.object_type(), static_cast<ObjectType>(header.type));
      }
      EXPECT_GE(length, kMinEntryHeaderBytes);
      EXPECT_LE(length, kMaxEntryHeaderBytes);
    }
  }
}

TEST(EntryTest, EveryTruncationIsCorrupt) {
  for (const EntryHeader& header : interesting_headers()) {
    for (const StoredSizeForm form : {StoredSizeForm::kShortest, StoredSizeForm::kPadded}) {
      const ByteVector bytes = encode(header, form);
      for (std::size_t length = 0; length < bytes.size(); ++length) {
        // A copy, so that a sanitizer sees where it ends.
        const ByteVector cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
        EXPECT_THAT(decode_entry_header(cut), FailsWith(ErrorCode::kCorrupt));
      }
    }
  }
}

TEST(EntryTest, UnknownTagsAndTypesAreCorrupt) {
  const ByteVector good =
      encode({.id = kHash, .type = EntryType::kDelta, .size = 1, .stored_size = 2, .base = kBase});
  for (int tag = 2; tag < 256; ++tag) {
    ByteVector bad = good;
    bad[0] = static_cast<std::byte>(tag);
    EXPECT_THAT(decode_entry_header(bad), FailsWith(ErrorCode::kCorrupt, "unknown tag"));
    bad = good;
    bad[35] = static_cast<std::byte>(tag);
    EXPECT_THAT(decode_entry_header(bad), FailsWith(ErrorCode::kCorrupt, "unknown tag"));
  }
  for (int type = 5; type < 8; ++type) {
    ByteVector bad = good;
    bad[33] = static_cast<std::byte>(type << 4 | 1);
    EXPECT_THAT(decode_entry_header(bad), FailsWith(ErrorCode::kCorrupt, "unknown type"));
  }
}

TEST(EntryTest, ABaseUnderAChangeIdIsCorrupt) {
  ByteVector bytes =
      encode({.id = kHash, .type = EntryType::kDelta, .size = 1, .stored_size = 2, .base = kBase});
  bytes[35] = std::byte{1};
  EXPECT_THAT(decode_entry_header(bytes), FailsWith(ErrorCode::kCorrupt, "change id"));
}

TEST(EntryTest, ADeltaOfMoreThan128MiBIsCorrupt) {
  const EntryHeader too_large{.id = kHash,
                              .type = EntryType::kDelta,
                              .size = kMaxDeltaObjectBytes + 1,
                              .stored_size = 2,
                              .base = kBase};
  EXPECT_THAT(decode_entry_header(encode(too_large)), FailsWith(ErrorCode::kCorrupt, "128 MiB"));
}

TEST(EntryTest, ThePaddedStoredSizeIsWhereItIsSaidToBe) {
  const EntryHeader header{.id = kHash, .size = 1 << 20, .stored_size = 77};
  const ByteVector bytes = encode(header, StoredSizeForm::kPadded);
  std::size_t position = padded_size_position(bytes.size());
  ASSERT_OK_AND_ASSIGN(size, decode_varint(bytes, &position));
  EXPECT_EQ(size, 77u);
  EXPECT_EQ(position, bytes.size());
}

TEST(EntryTest, SizesWrittenLongerThanNeedBeAreAccepted) {
  ByteVector bytes = encode({.id = kChange, .size = 5, .stored_size = 5});
  bytes[17] = std::byte{0x80 | 5};
  bytes.insert(bytes.begin() + 18, {std::byte{0x80}, std::byte{0x00}});
  ASSERT_OK_AND_ASSIGN(decoded, decode_entry_header(bytes));
  EXPECT_EQ(decoded.size, 5u);
  EXPECT_EQ(decoded.stored_size, 5u);
}

}  // namespace
}  // namespace bale
