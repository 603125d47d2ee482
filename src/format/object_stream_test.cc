// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "format/object_stream.h"

#include "testing/matchers.h"
#include "testing/pack_fixture.h"

namespace bale {
namespace {

ByteVector encode(const StreamedObject& object) {
  ByteVector bytes(kMaxObjectFrameBytes);
  bytes.resize(encode_object_frame(object, bytes.data()));
  return bytes;
}

TEST(ObjectStreamTest, FramesReadBack) {
  for (const IdKind kind : {IdKind::kContentHash, IdKind::kChangeId}) {
    for (int type = 0; type < 4; ++type) {
      const StreamedObject object{test_id(kind, 5), static_cast<ObjectType>(type), 0x0102030405u};
      const ByteVector bytes = encode(object);
      ASSERT_OK_AND_ASSIGN(length, object_frame_bytes(bytes[0]));
      ASSERT_EQ(length, bytes.size());
      ASSERT_OK_AND_ASSIGN(decoded, decode_object_frame(bytes));
      EXPECT_EQ(decoded.id, object.id);
      EXPECT_EQ(decoded.type, object.type);
      EXPECT_EQ(decoded.size, object.size);
    }
  }
}

TEST(ObjectStreamTest, TheSizeIsLittleEndian) {
  const ByteVector bytes = encode({test_id(IdKind::kChangeId, 5), ObjectType::kTree, 0x0201});
  ASSERT_EQ(bytes.size(), 1u + 16 + 1 + 8);
  EXPECT_EQ(bytes[17], std::byte{1});
  EXPECT_EQ(bytes[18], std::byte{1});
  EXPECT_EQ(bytes[19], std::byte{2});
}

TEST(ObjectStreamTest, UnknownKindsAndTypesAreCorrupt) {
  for (int kind = 2; kind < 256; ++kind) {
    EXPECT_THAT(object_frame_bytes(static_cast<std::byte>(kind)),
                FailsWith(ErrorCode::kCorrupt, "unknown id kind"));
  }
  ByteVector bytes = encode({test_id(IdKind::kContentHash, 5), ObjectType::kBlob, 9});
  for (int type = 4; type < 256; ++type) {
    bytes[33] = static_cast<std::byte>(type);
    EXPECT_THAT(decode_object_frame(bytes), FailsWith(ErrorCode::kCorrupt, "unknown type"));
  }
}

}  // namespace
}  // namespace bale
