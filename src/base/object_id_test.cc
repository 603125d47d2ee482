// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include <array>
#include <string>

#include "bale/object.h"
#include "base/known_id.h"
#include "testing/matchers.h"

namespace bale {
namespace {

TEST(ObjectIdTest, HexGoesBothWaysForBothKinds) {
  const std::string hash = "00251ad2f1ebd2c679d3b50b64d476d2fb41b1940f979b9f981045f55a6742fa";
  ASSERT_OK_AND_ASSIGN(hash_id, ObjectId::from_hex(hash));
  EXPECT_EQ(hash_id.kind(), IdKind::kContentHash);
  EXPECT_EQ(hash_id.to_hex(), hash);
  ASSERT_OK_AND_ASSIGN(change, ObjectId::from_hex(hash.substr(0, 32)));
  EXPECT_EQ(change.kind(), IdKind::kChangeId);
  EXPECT_EQ(change.to_hex(), hash.substr(0, 32));
}

TEST(ObjectIdTest, OtherLengthsAndDigitsAreRefused) {
  EXPECT_THAT(ObjectId::from_hex(""), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(ObjectId::from_hex("0025"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(ObjectId::from_hex(std::string(64, 'x')), FailsWith(ErrorCode::kInvalidArgument));
}

TEST(ObjectIdTest, BytesOfAnotherLengthAreRefused) {
  const std::array<std::byte, 33> bytes{};
  for (const IdKind kind : {IdKind::kContentHash, IdKind::kChangeId}) {
    const std::size_t right = id_bytes(kind);
    for (const std::size_t size : {std::size_t{0}, right - 1, right + 1}) {
      EXPECT_THAT(ObjectId::from_bytes(kind, Bytes(bytes).first(size)),
                  FailsWith(ErrorCode::kInvalidArgument, std::to_string(size)));
    }
    ASSERT_OK_AND_ASSIGN(id, ObjectId::from_bytes(kind, Bytes(bytes).first(right)));
    EXPECT_EQ(id.kind(), kind);
  }
}

TEST(ObjectIdTest, HashesSortBeforeChangeIdsAndThenByBytes) {
  std::array<std::byte, 32> bytes{};
  bytes.fill(std::byte{0xff});
  const ObjectId last_hash = known_id<ObjectId>(IdKind::kContentHash, bytes);
  const ObjectId first_change =
      known_id<ObjectId>(IdKind::kChangeId, Bytes(std::array<std::byte, 16>{}));
  EXPECT_LT(last_hash, first_change);
  EXPECT_LT(ObjectId(), last_hash);
}

}  // namespace
}  // namespace bale
