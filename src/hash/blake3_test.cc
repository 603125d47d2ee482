// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The reference is the official hasher, through its C interface.
#include "hash/blake3.h"

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "base/endian.h"
#include "base/hex.h"
#include "base/known_id.h"
#include "testing/blake_reference.h"
#include "testing/matchers.h"

namespace bale {
namespace {

// Some chunks beyond 64, where the one-shot form changes.
constexpr std::size_t kMostBytes = std::size_t{70} * 1024;

Blake3Hash reference_typed_hash(const std::string& type, Bytes payload) {
  blake3_hasher hasher;
  blake3_hasher_init(&hasher);
  blake3_hasher_update(&hasher, type.data(), type.size());
  std::byte size[9] = {};
  store_le(size, std::uint64_t{payload.size()});
  blake3_hasher_update(&hasher, size, sizeof(size));
  blake3_hasher_update(&hasher, payload.data(), payload.size());
  Blake3Hash hash;
  blake3_hasher_finalize(&hasher, reinterpret_cast<std::uint8_t*>(hash.data()), hash.size());
  return hash;
}

Blake3Hash reference_hash(Bytes data) {
  blake3_hasher hasher;
  blake3_hasher_init(&hasher);
  blake3_hasher_update(&hasher, data.data(), data.size());
  Blake3Hash hash;
  blake3_hasher_finalize(&hasher, reinterpret_cast<std::uint8_t*>(hash.data()), hash.size());
  return hash;
}

// Every length near a chunk's edge up to 70 chunks (the one-shot form changes after 64), and steps
// of a prime between.
std::vector<std::size_t> interesting_sizes() {
  std::vector<std::size_t> sizes;
  for (std::size_t size = 0; size <= kMostBytes; ++size) {
    const std::size_t from_edge = (size + 20) % 1024;
    if (size < 200 || from_edge <= 24 || size % 211 == 0) sizes.push_back(size);
  }
  return sizes;
}

TEST(Blake3Test, EmptyInputHasTheKnownHash) {
  EXPECT_EQ(to_hex(blake3({})), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
}

TEST(Blake3Test, WholeInputHashesLikeTheOfficialHasher) {
  const std::vector<std::byte> data = seeded_bytes(kMostBytes, 1);
  for (const std::size_t size : interesting_sizes()) {
    const Bytes input = Bytes(data).first(size);
    ASSERT_EQ(blake3(input), reference_hash(input)) << size;
  }
}

TEST(Blake3Test, HasherTakesPiecesAndGoesOnAfterFinish) {
  const std::vector<std::byte> data = seeded_bytes(10'000, 2);
  Blake3Hasher hasher;
  hasher.update(Bytes(data).first(7));
  EXPECT_EQ(hasher.finish(), blake3(Bytes(data).first(7)));
  hasher.update({});
  hasher.update(Bytes(data).subspan(7));
  const Blake3Hasher copy = hasher;
  EXPECT_EQ(copy.finish(), blake3(data));
}

TEST(TypedHashTest, IsTheHashOfTypeSizeZeroAndPayload) {
  const std::vector<std::byte> data = seeded_bytes(kMostBytes, 3);
  for (const std::size_t size : interesting_sizes()) {
    const Bytes payload = Bytes(data).first(size);
    const Blake3Hash expected = reference_typed_hash("blob", payload);
    ASSERT_EQ(content_hash(ObjectType::kBlob, payload),
              known_id<ObjectId>(IdKind::kContentHash, expected))
        << size;
  }
}

TEST(TypedHashTest, EachTypeHasItsOwnNameInTheHash) {
  const Bytes payload = as_bytes("payload");
  const auto expect = [&](ObjectType type, const std::string& name) {
    const Blake3Hash hash = reference_typed_hash(name, payload);
    const ObjectId as_hash = known_id<ObjectId>(IdKind::kContentHash, hash);
    const ObjectId as_change = known_id<ObjectId>(IdKind::kChangeId, Bytes(hash).first(16));
    EXPECT_EQ(content_hash(type, payload), as_hash) << name;
    EXPECT_EQ(change_id(type, payload), as_change) << name;
    EXPECT_EQ(store_id(type, payload), type == ObjectType::kState ? as_change : as_hash) << name;
  };
  expect(ObjectType::kBlob, "blob");
  expect(ObjectType::kTree, "tree");
  expect(ObjectType::kState, "state");
  expect(ObjectType::kAction, "action");
}

TEST(TypedHasherTest, PiecesGiveTheIdsOfTheWhole) {
  const std::vector<std::byte> data = seeded_bytes(100'000, 4);
  for (const ObjectType type : {ObjectType::kTree, ObjectType::kState}) {
    TypedHasher hasher(type, data.size());
    hasher.update(Bytes(data).first(1));
    hasher.update({});
    hasher.update(Bytes(data).subspan(1, 5000));
    hasher.update(Bytes(data).subspan(5001));
    EXPECT_EQ(hasher.content_hash(), content_hash(type, data));
    EXPECT_EQ(hasher.change_id(), change_id(type, data));
    EXPECT_EQ(hasher.store_id(), store_id(type, data));
  }
}

TEST(TypedHashTest, ARecordHasAnIdThatNoObjectHas) {
  const std::vector<std::byte> data = seeded_bytes(kMostBytes, 5);
  for (const std::size_t size : interesting_sizes()) {
    const Bytes payload = Bytes(data).first(size);
    const ObjectId id =
        known_id<ObjectId>(IdKind::kContentHash, reference_typed_hash("record", payload));
    ASSERT_EQ(record_id(payload), id) << size;
    TypedHasher hasher(ObjectType::kAction, size);
    hasher.update(payload);
    ASSERT_EQ(hasher.record_id(), id) << size;
    EXPECT_TRUE(hasher.is_store_id(id));
    EXPECT_TRUE(hasher.is_store_id(content_hash(ObjectType::kAction, payload)));
    for (const ObjectType type : {ObjectType::kBlob, ObjectType::kTree, ObjectType::kState}) {
      EXPECT_FALSE(is_store_id(id, type, payload));
      EXPECT_TRUE(is_store_id(store_id(type, payload), type, payload));
    }
    EXPECT_TRUE(is_store_id(id, ObjectType::kAction, payload));
  }
}

TEST(TypedHasherDeathTest, AnotherNumberOfBytesThanSaidStopsTheProgram) {
  TypedHasher hasher(ObjectType::kBlob, 5);
  hasher.update(as_bytes("four"));
  EXPECT_DEATH(static_cast<void>(hasher.content_hash()), "missing_bytes_ == 0");
  EXPECT_DEATH(hasher.update(as_bytes("ab")), "missing_bytes_");
}

}  // namespace
}  // namespace bale
