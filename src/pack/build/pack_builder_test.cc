// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What goes into a builder comes out of a reader: all kinds of ids, types, sizes and contents,
// given whole and in pieces.

#include "bale/pack_builder.h"

#include <algorithm>
#include <map>
#include <vector>

#include "base/known_id.h"
#include "base/try.h"
#include "hash/blake3.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_fixture.h"
#include "testing/test_bytes.h"

namespace bale {
namespace {

// Builds with every payload fed in pieces of odd sizes.
Result<PackInMemory> build_in_pieces(const std::vector<TestObject>& objects,
                                     const PackBuilderOptions& options, std::size_t piece_bytes) {
  PackBuilder builder = TRY(PackBuilder::in_memory(options));
  for (const TestObject& object : objects) {
    TRY(builder.begin_object(object.id.kind(), object.type, object.payload.size()));
    Bytes left = object.payload;
    for (std::size_t round = 0; !left.empty(); ++round) {
      const std::size_t size = std::min(left.size(), piece_bytes + round % 7);
      TRY(builder.write(left.first(size)));
      left = left.subspan(size);
    }
    const EntryHandle handle = TRY(builder.end_object(object.id));
    EXPECT_EQ(handle.size, object.payload.size());
  }
  return builder.finish_in_memory();
}

void expect_reads_back(const PackInMemory& built, const std::vector<TestObject>& objects) {
  MemoryFileSystem files;
  ASSERT_THAT(put_pack(files, "/a.pack", built), IsOk());
  EXPECT_THAT(read_pack(files, "/a.pack", PackAccess::kMap), HoldsExactly(objects));
  EXPECT_THAT(read_pack(files, "/a.pack", PackAccess::kRead), HoldsExactly(objects));
}

void expect_round_trip(const std::vector<TestObject>& objects) {
  ASSERT_OK_AND_ASSIGN(built, build_pack(objects));
  EXPECT_EQ(built.summary.objects, objects.size());
  expect_reads_back(built, objects);
}

TEST(PackBuilderTest, AnEmptyPackIsValidAndAsTheFormatHasIt) {
  ASSERT_OK_AND_ASSIGN(built, build_pack({}));
  ASSERT_OK_AND_ASSIGN(golden, read_file(posix_file_system(), golden_path("empty", "empty.pack")));
  EXPECT_EQ(built.pack, golden);
  EXPECT_EQ(built.pack.size(), 48u);
  expect_reads_back(built, {});
}

TEST(PackBuilderTest, OneObjectByHashComesBack) {
  expect_round_trip({{test_id(IdKind::kContentHash, 1), ObjectType::kBlob, bytes_of("hello")}});
}

TEST(PackBuilderTest, OneObjectByChangeIdComesBack) {
  expect_round_trip({{test_id(IdKind::kChangeId, 1), ObjectType::kState, bytes_of("hello")}});
}

TEST(PackBuilderTest, EveryTypeUnderBothKindsOfIdComesBack) {
  std::vector<TestObject> objects;
  for (const IdKind kind : {IdKind::kContentHash, IdKind::kChangeId}) {
    for (int type = 0; type < 4; ++type) {
      const auto number = static_cast<std::uint64_t>(type);
      objects.push_back({test_id(kind, number), static_cast<ObjectType>(type), prose(500, number)});
    }
  }
  expect_round_trip(objects);
}

TEST(PackBuilderTest, TheSmallestAndTheLargestIdsComeBack) {
  std::vector<TestObject> objects;
  for (const IdKind kind : {IdKind::kContentHash, IdKind::kChangeId}) {
    for (const int fill : {0x00, 0xff}) {
      const ByteVector id(id_bytes(kind), static_cast<std::byte>(fill));
      objects.push_back({known_id<ObjectId>(kind, id), ObjectType::kBlob, id});
    }
  }
  expect_round_trip(objects);
}

TEST(PackBuilderTest, EverySizeAroundALimitComesBackWholeAndInPieces) {
  constexpr std::size_t kMiB = 1 << 20;
  std::vector<TestObject> objects;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{15}, std::size_t{16}, std::size_t{255},
        std::size_t{256}, std::size_t{257}, std::size_t{4095}, std::size_t{4096},
        std::size_t{65536}, kMiB - 1, kMiB, kMiB + 1, 2 * kMiB, 2 * kMiB + 77}) {
    // What shrinks to nothing, what does not shrink, and what lies between.
    objects.push_back({test_id(IdKind::kContentHash, size), ObjectType::kBlob, ByteVector(size)});
    objects.push_back({test_id(IdKind::kChangeId, size), ObjectType::kTree, noise(size, size)});
    objects.push_back(
        {test_id(IdKind::kContentHash, size + 1'000'000'007), ObjectType::kAction, prose(size, 1)});
  }
  ASSERT_OK_AND_ASSIGN(whole, build_pack(objects));
  expect_reads_back(whole, objects);
  for (const std::size_t piece_bytes : {std::size_t{997}, kMiB + 1}) {
    ASSERT_OK_AND_ASSIGN(pieces, build_in_pieces(objects, test_options(), piece_bytes));
    EXPECT_TRUE(pieces.pack == whole.pack) << piece_bytes;
    EXPECT_TRUE(pieces.index == whole.index) << piece_bytes;
  }
}

TEST(PackBuilderTest, AnObjectOf64MiBComesBack) {
  constexpr std::size_t kSize = 64 << 20;
  ByteVector payload = noise(1 << 20, 1);
  payload.resize(kSize / 2);  // zeros after the noise
  const ByteVector text = prose(1 << 16, 2);
  while (payload.size() < kSize) payload.insert(payload.end(), text.begin(), text.end());
  const std::vector<TestObject> objects = {
      {test_id(IdKind::kContentHash, 1), ObjectType::kBlob, std::move(payload)}};
  ASSERT_OK_AND_ASSIGN(built, build_pack(objects));
  EXPECT_LT(built.pack.size(), kSize / 4);
  MemoryFileSystem files;
  ASSERT_THAT(put_pack(files, "/a.pack", built), IsOk());
  ASSERT_OK_AND_ASSIGN(pack, PackReader::open("/a.pack", {.file_system = &files}));
  // In pieces a reader gets by with little memory.
  ReadContext small(4 << 20);
  ByteVector got;
  ASSERT_THAT(pack.read(objects[0].id, small,
                        [&](Bytes piece) -> Result<void> {
                          got.insert(got.end(), piece.begin(), piece.end());
                          return {};
                        }),
              IsOk());
  EXPECT_TRUE(got == objects[0].payload);
  const auto refused = pack.get(objects[0].id, small);
  ASSERT_THAT(refused, FailsWithHint(ErrorCode::kLimitExceeded, HintKind::kNeedsMemory));
  EXPECT_EQ(refused.error().hint.allowed_bytes, 4u << 20);
  ReadContext large(refused.error().hint.needed_bytes);
  ASSERT_OK_AND_ASSIGN(object, pack.get(objects[0].id, large));
  EXPECT_TRUE(std::ranges::equal(object.payload, objects[0].payload));
}

TEST(PackBuilderTest, TenThousandObjectsComeBack) {
  const std::vector<TestObject> objects = make_objects(10'000, 1);
  ASSERT_OK_AND_ASSIGN(built, build_pack(objects));
  expect_reads_back(built, objects);
}

TEST(PackBuilderTest, ListingIsInIdOrderWhateverTheOrderOfAdding) {
  std::vector<TestObject> objects = make_objects(300, 2);
  for (std::uint64_t i = 0; i < 100; ++i) {
    objects.push_back({prefixed_id(i * 37 % 100), ObjectType::kBlob, noise(i, i)});
  }
  TestRandom random(1);
  for (int round = 0; round < 4; ++round) {
    ASSERT_OK_AND_ASSIGN(built, build_pack(objects));
    MemoryFileSystem files;
    ASSERT_THAT(put_pack(files, "/a.pack", built), IsOk());
    ASSERT_OK_AND_ASSIGN(listed, read_pack(files, "/a.pack", PackAccess::kMap));
    EXPECT_EQ(listed, in_id_order(objects));
    for (std::size_t i = objects.size(); i > 1; --i) {
      std::swap(objects[i - 1], objects[random.below(i)]);
    }
  }
}

TEST(PackBuilderTest, OfAnIdAddedTwiceTheFirstObjectStays) {
  const ObjectId twice = test_id(IdKind::kContentHash, 1);
  const ObjectId also = test_id(IdKind::kChangeId, 1);
  ASSERT_OK_AND_ASSIGN(built, build_pack({{twice, ObjectType::kBlob, bytes_of("first")},
                                          {also, ObjectType::kState, bytes_of("one")},
                                          {twice, ObjectType::kTree, bytes_of("second")},
                                          {also, ObjectType::kState, bytes_of("two")},
                                          {twice, ObjectType::kBlob, bytes_of("third")}}));
  EXPECT_EQ(built.summary.objects, 5u);
  EXPECT_EQ(built.summary.duplicates, 3u);
  EXPECT_EQ(built.pack[15], std::byte{5});
  expect_reads_back(built, {{twice, ObjectType::kBlob, bytes_of("first")},
                            {also, ObjectType::kState, bytes_of("one")}});
}

TEST(PackBuilderTest, TrailerAndNameAreHashesOfThePack) {
  ASSERT_OK_AND_ASSIGN(built, build_pack(make_objects(2'000, 3)));
  const Bytes pack = built.pack;
  const Blake3Hash trailer = blake3(pack.first(pack.size() - 32));
  EXPECT_EQ(built.summary.trailer, trailer);
  EXPECT_TRUE(std::ranges::equal(pack.last(32), trailer));
  EXPECT_EQ(built.summary.name, known_id<ObjectId>(IdKind::kContentHash, blake3(pack)).to_hex());
  const Bytes index = built.index;
  EXPECT_TRUE(std::ranges::equal(index.last(32), blake3(index.first(index.size() - 32))));
}

TEST(PackBuilderTest, SeededRandomSequencesAgreeWithAMap) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    TestRandom random(seed);
    PackBuilderOptions options = test_options();
    options.compress = random.below(4) != 0;
    options.min_compress_bytes = random.below(600);
    ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(options));
    std::map<ObjectId, TestObject> model;
    const std::vector<TestObject> objects = make_objects(1 + random.below(200), seed);
    for (std::size_t step = 0; step < objects.size() * 5 / 4; ++step) {
      // Some ids come again, with another payload.
      TestObject object = objects[random.below(objects.size())];
      if (random.below(2) == 0) object.payload = noise(random.below(700), random.next());
      if (random.below(3) == 0) {
        ASSERT_THAT(builder.begin_object(object.id.kind(), object.type, object.payload.size()),
                    IsOk());
        const std::size_t cut = random.below(object.payload.size() + 1);
        ASSERT_THAT(builder.write(Bytes(object.payload).first(cut)), IsOk());
        ASSERT_THAT(builder.flush(), IsOk());
        ASSERT_THAT(builder.write(Bytes(object.payload).subspan(cut)), IsOk());
        ASSERT_THAT(builder.end_object(object.id), IsOk());
      } else {
        ASSERT_THAT(builder.add(object.id, object.type, object.payload), IsOk());
      }
      if (random.below(20) == 0) {
        ASSERT_THAT(builder.flush(), IsOk());
      }
      model.try_emplace(object.id, object);
    }
    ASSERT_OK_AND_ASSIGN(built, builder.finish_in_memory());
    std::vector<TestObject> expected;
    for (const auto& [id, object] : model) expected.push_back(object);
    expect_reads_back(built, expected);
    EXPECT_EQ(built.summary.duplicates, built.summary.objects - model.size());
  }
}

}  // namespace
}  // namespace bale
