// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The short way of reading a header beside the long one.

#include "pack/read/plain_header.h"

#include <array>

#include "testing/matchers.h"
#include "testing/pack_fixture.h"
#include "testing/test_bytes.h"

namespace bale {
namespace {

constexpr IdKind kKinds[] = {IdKind::kContentHash, IdKind::kChangeId};
constexpr StoredSizeForm kForms[] = {StoredSizeForm::kShortest, StoredSizeForm::kPadded};

using HeaderRoom = std::array<std::byte, 2 * kMaxEntryHeaderBytes>;

// Whatever is taken for plain must be what the long way says.
bool expect_same(const HeaderRoom& bytes, const ObjectId& id) {
  EntryHeader any;
  if (read_plain_header(bytes.data(), any)) {
    const auto header = decode_entry_header(bytes);
    EXPECT_THAT(header, IsOk());
    EXPECT_TRUE(header && header->id == any.id && header->type == any.type &&
                header->size == any.size && header->stored_size == any.stored_size &&
                header->header_bytes == any.header_bytes);
  }
  PlainHeader plain;
  if (!read_plain_header(bytes.data(), id, plain)) return false;
  const auto header = decode_entry_header(bytes);
  EXPECT_THAT(header, IsOk());
  if (!header) return true;
  EXPECT_EQ(header->id, id);
  EXPECT_FALSE(header->is_delta());
  EXPECT_EQ(header->object_type(), plain.type);
  EXPECT_EQ(header->size, plain.size);
  EXPECT_EQ(header->stored_size, plain.stored_size);
  EXPECT_EQ(header->header_bytes, plain.header_bytes);
  return true;
}

TEST(PlainHeaderTest, HeadersOfWholeObjectsOfAnyUsualSizeArePlain) {
  for (const IdKind kind : kKinds) {
    const ObjectId id = test_id(kind, 1);
    for (unsigned type = 0; type < 4; ++type) {
      for (unsigned bits = 0; bits <= 31; ++bits) {
        const std::uint64_t size = (std::uint64_t{1} << bits) - bits % 2;
        HeaderRoom bytes{};
        encode_entry_header(
            {.id = id, .type = static_cast<EntryType>(type), .size = size, .stored_size = size / 2},
            StoredSizeForm::kShortest, bytes.data());
        EXPECT_TRUE(expect_same(bytes, id)) << bits;
        EXPECT_FALSE(expect_same(bytes, test_id(kind, 2)));
      }
    }
  }
}

TEST(PlainHeaderTest, EveryFlippedByteIsTheSameOrNotPlain) {
  for (const IdKind kind : kKinds) {
    const ObjectId id = test_id(kind, 1);
    for (const EntryType type : {EntryType::kTree, EntryType::kDelta}) {
      for (const StoredSizeForm form : kForms) {
        HeaderRoom bytes{};
        const std::size_t length = encode_entry_header(
            {.id = id, .type = type, .size = 123'456, .stored_size = 12'345}, form, bytes.data());
        EXPECT_FALSE(type == EntryType::kDelta && expect_same(bytes, id));
        for (std::size_t at = 0; at < length; ++at) {
          for (unsigned pattern = 1; pattern < 256; ++pattern) {
            HeaderRoom bad = bytes;
            bad[at] ^= static_cast<std::byte>(pattern);
            expect_same(bad, id);
          }
        }
      }
    }
  }
}

TEST(PlainHeaderTest, NumbersOfAnyLengthAreTheSameOrNotPlain) {
  TestRandom random(1);
  const ObjectId id = test_id(IdKind::kChangeId, 1);
  for (int round = 0; round < 20'000; ++round) {
    HeaderRoom bytes{};
    encode_entry_header({.id = id}, StoredSizeForm::kShortest, bytes.data());
    // Continued numbers, most of them.
    for (std::size_t at = 17; at < bytes.size(); ++at) {
      bytes[at] = static_cast<std::byte>(random.next() | (random.below(4) == 0 ? 0 : 0x80));
    }
    expect_same(bytes, id);
  }
}

}  // namespace
}  // namespace bale
