// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Builders that make deltas themselves: what they promise of sizes, depths and bytes.

#include <algorithm>
#include <optional>

#include "bale/pack_builder.h"
#include "bale/pack_verifier.h"
#include "base/memory_size.h"
#include "base/try.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_draft.h"
#include "testing/pack_fixture.h"
#include "testing/test_bytes.h"

namespace bale {
namespace {

struct Version {
  TestObject object;
  std::uint64_t lineage = 0;
};

TestObject object_of(ObjectType type, ByteVector payload) {
  return {content_hash(type, payload), type, std::move(payload)};
}

// So many versions of each of some things, side by side or one thing after the other.
std::vector<Version> history(std::size_t things, std::size_t versions, std::size_t size,
                             bool side_by_side, std::uint64_t seed) {
  TestRandom random(seed);
  std::vector<Version> all;
  for (std::size_t thing = 0; thing < things; ++thing) {
    ByteVector payload = text_bytes(random, size);
    for (std::size_t i = 0; i < versions; ++i) {
      const ObjectType type = thing % 3 == 0 ? ObjectType::kTree : ObjectType::kBlob;
      all.push_back({object_of(type, payload), thing + 1});
      const ByteVector before = payload;
      while (payload == before) payload = edited(random, payload, 1 + random.below(4));
    }
  }
  if (!side_by_side) return all;
  std::vector<Version> mixed;
  for (std::size_t i = 0; i < versions; ++i) {
    for (std::size_t thing = 0; thing < things; ++thing) mixed.push_back(all[thing * versions + i]);
  }
  return mixed;
}

class BuilderDeltasTest : public testing::Test {
 protected:
  static PackBuilderOptions options(std::uint64_t memory_mib = 32, std::size_t lanes = 1) {
    PackBuilderOptions options = test_options();
    options.deltas = true;
    options.work.lanes = lanes;
    options.work.memory_bytes = memory_mib << 20;
    return options;
  }

  static Result<PackInMemory> build(const std::vector<Version>& versions,
                                    const PackBuilderOptions& options) {
    PackBuilder builder = TRY(PackBuilder::in_memory(options));
    for (const auto& [object, lineage] : versions) {
      TRY(builder.add(object.id, object.type, object.payload, {.lineage = lineage}));
    }
    return builder.finish_in_memory();
  }

  Result<PackReader> put(const PackInMemory& built) {
    TRY(put_pack(files_, "/a.pack", built));
    const PackReport report = TRY(verify_pack("/a.pack", {.work = {.file_system = &files_}}));
    EXPECT_TRUE(report.ok());
    return PackReader::open("/a.pack", {.file_system = &files_});
  }

  static std::vector<TestObject> objects_of(const std::vector<Version>& versions) {
    std::vector<TestObject> objects;
    for (const Version& version : versions) objects.push_back(version.object);
    return objects;
  }

  // What rebuilding decodes, itself included.
  Result<std::uint64_t> rebuild_bytes(const PackReader& pack, ObjectId id) {
    std::uint64_t bytes = 0;
    for (;;) {
      const EntryInfo info = TRY(pack.info(id, context_));
      bytes += info.size;
      if (!info.base) return bytes;
      id = *info.base;
    }
  }

  MemoryFileSystem files_;
  ReadContext context_;
};

TEST_F(BuilderDeltasTest, VersionsBecomeDeltasAndComeBackWhole) {
  for (const bool side_by_side : {false, true}) {
    const std::vector<Version> versions = history(12, 20, 6'000, side_by_side, 1);
    ASSERT_OK_AND_ASSIGN(built, build(versions, options()));
    EXPECT_GE(built.summary.deltas, 12u * 17);
    PackBuilderOptions without = options();
    without.deltas = false;
    ASSERT_OK_AND_ASSIGN(whole, build(versions, without));
    EXPECT_LT(built.pack.size() * 6, whole.pack.size());
    ASSERT_OK_AND_ASSIGN(pack, put(built));
    EXPECT_THAT(read_pack(pack), HoldsExactly(objects_of(versions)));
  }
}

// Copies and renames: no lineage says where they come from.
TEST_F(BuilderDeltasTest, WhatResemblesAnEarlierObjectIsFoundWithoutALineage) {
  std::vector<Version> versions = history(1, 1, 8'000, false, 2);
  for (Version& other : history(200, 1, 3'000, false, 3)) versions.push_back(other);
  TestRandom random(4);
  versions.push_back(
      {object_of(versions[0].object.type, edited(random, versions[0].object.payload, 3)), 777});
  ASSERT_OK_AND_ASSIGN(built, build(versions, options()));
  ASSERT_OK_AND_ASSIGN(pack, put(built));
  ASSERT_OK_AND_ASSIGN(info, pack.info(versions.back().object.id, context_));
  EXPECT_EQ(info.base, versions[0].object.id);
}

TEST_F(BuilderDeltasTest, TheSameBytesForAnyLanes) {
  std::vector<Version> versions = history(9, 30, 20'000, true, 5);
  TestRandom random(6);
  // Larger than a frame, as large as one, tiny, and of noise.
  for (const std::size_t size : {3u << 20, 1u << 20, 1u << 20, 10u, 0u, 500'000u}) {
    const std::size_t at = random.below(versions.size());
    versions.insert(versions.begin() + static_cast<std::ptrdiff_t>(at),
                    {object_of(ObjectType::kBlob, noise(size, at)), at % 3});
  }
  ASSERT_OK_AND_ASSIGN(one, build(versions, options(40, 1)));
  ASSERT_OK_AND_ASSIGN(pack, put(one));
  EXPECT_THAT(read_pack(pack), HoldsExactly(objects_of(versions)));
  for (const std::size_t lanes : {2u, 3u, 5u}) {
    ASSERT_OK_AND_ASSIGN(several, build(versions, options(40, lanes)));
    EXPECT_EQ(several.pack, one.pack) << lanes;
    EXPECT_EQ(several.index, one.index) << lanes;
  }
}

// More entries under way than are remembered one by one: what an old version of a thing was is
// known all the same.
TEST_F(BuilderDeltasTest, ManySmallObjectsOnManyLanesAreTheSameToo) {
  std::vector<Version> versions = history(6'000, 1, 80, false, 16);
  const std::vector<Version> again = history(6'000, 1, 80, false, 17);
  versions.insert(versions.end(), again.begin(), again.end());
  ASSERT_OK_AND_ASSIGN(one, build(versions, options(64, 1)));
  ASSERT_OK_AND_ASSIGN(several, build(versions, options(64, 12)));
  EXPECT_EQ(several.pack, one.pack);
}

TEST_F(BuilderDeltasTest, ChainsAreAtMostFiftyDeep) {
  const std::vector<Version> versions = history(1, 400, 600, false, 7);
  ASSERT_OK_AND_ASSIGN(built, build(versions, options()));
  ASSERT_OK_AND_ASSIGN(pack, put(built));
  int deepest = 0;
  for (const Version& version : versions) {
    ASSERT_OK_AND_ASSIGN(info, pack.info(version.object.id, context_));
    deepest = std::max(deepest, info.depth);
  }
  EXPECT_LE(deepest, 50);
  EXPECT_GE(deepest, 5);
  EXPECT_GE(built.summary.deltas, 380u);
}

TEST_F(BuilderDeltasTest, RebuildingDecodesEightTimesTheSizeAndAMebibyteAtMost) {
  const std::vector<Version> versions = history(1, 60, 700'000, false, 8);
  ASSERT_OK_AND_ASSIGN(built, build(versions, options()));
  ASSERT_OK_AND_ASSIGN(pack, put(built));
  for (const Version& version : versions) {
    ASSERT_OK_AND_ASSIGN(bytes, rebuild_bytes(pack, version.object.id));
    EXPECT_LE(bytes, 8 * version.object.payload.size() + (1 << 20));
  }
  EXPECT_GE(built.summary.deltas, 55u);
}

TEST_F(BuilderDeltasTest, ABaseThatHasLeftMemoryIsReadBackThroughItsChain) {
  PackBuilderOptions small = options();
  small.work.memory_bytes = smallest_build_memory_bytes(small);
  const std::vector<Version> versions = history(1, 6, 20'000, false, 9);
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(small));
  std::vector<TestObject> objects;
  EntryHandle last;
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const TestObject& object = versions[i].object;
    std::vector<EntryHandle> bases;
    if (i > 0) bases.push_back(last);
    ASSERT_OK_AND_ASSIGN(handle,
                         builder.add(object.id, object.type, object.payload, {.bases = bases}));
    last = handle;
    objects.push_back(object);
    for (std::uint64_t k = 0; k < 30; ++k) {
      const TestObject other = object_of(ObjectType::kBlob, noise(200'000, 100 * i + k));
      ASSERT_THAT(builder.add(other.id, other.type, other.payload), IsOk());
      objects.push_back(other);
    }
  }
  ASSERT_OK_AND_ASSIGN(built, builder.finish_in_memory());
  ASSERT_OK_AND_ASSIGN(pack, put(built));
  ASSERT_OK_AND_ASSIGN(info, pack.info(versions.back().object.id, context_));
  EXPECT_EQ(info.depth, 5);
  EXPECT_THAT(read_pack(pack), HoldsExactly(objects));
}

TEST_F(BuilderDeltasTest, OfSeveralBasesGivenTheBestIsTaken) {
  TestRandom random(10);
  const ByteVector text = text_bytes(random, 30'000);
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(options()));
  std::vector<EntryHandle> bases;
  std::vector<TestObject> objects;
  for (const std::size_t edits : {200u, 2u, 50u}) {
    objects.push_back(object_of(ObjectType::kBlob, edited(random, text, edits)));
    const TestObject& object = objects.back();
    ASSERT_OK_AND_ASSIGN(handle, builder.add(object.id, object.type, object.payload));
    bases.push_back(handle);
  }
  objects.push_back(object_of(ObjectType::kBlob, text));
  ASSERT_THAT(builder.add(objects.back().id, ObjectType::kBlob, text, {.bases = bases}), IsOk());
  ASSERT_OK_AND_ASSIGN(built, builder.finish_in_memory());
  ASSERT_OK_AND_ASSIGN(pack, put(built));
  ASSERT_OK_AND_ASSIGN(info, pack.info(objects.back().id, context_));
  EXPECT_EQ(info.base, objects[1].id);
}

TEST_F(BuilderDeltasTest, ABaseHasTheSameTypeAndAContentHash) {
  TestRandom random(11);
  const ByteVector text = text_bytes(random, 5'000);
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(options()));
  std::vector<EntryHandle> bases;
  std::vector<TestObject> objects;
  for (const ObjectType type :
       {ObjectType::kBlob, ObjectType::kTree, ObjectType::kState, ObjectType::kAction}) {
    for (int i = 0; i < 2; ++i) {
      const ByteVector payload = edited(random, text, 1);
      objects.push_back({store_id(type, payload), type, payload});
      ASSERT_OK_AND_ASSIGN(
          handle, builder.add(objects.back().id, type, payload, {.lineage = 1, .bases = bases}));
      bases.insert(bases.begin(), handle);
    }
  }
  ASSERT_OK_AND_ASSIGN(built, builder.finish_in_memory());
  EXPECT_EQ(built.summary.deltas, 3u);
  ASSERT_OK_AND_ASSIGN(pack, put(built));
  EXPECT_THAT(read_pack(pack), HoldsExactly(objects));
}

TEST_F(BuilderDeltasTest, NoEntryIsLargerThanItWouldBeWhole) {
  TestRandom random(12);
  std::vector<Version> versions;
  for (int i = 0; i < 60; ++i) {
    // Repetitions that shrink to nothing, changed here and there.
    versions.push_back(
        {object_of(ObjectType::kBlob, edited(random, ByteVector(50'000, std::byte{7}), 3)), 1});
  }
  ASSERT_OK_AND_ASSIGN(built, build(versions, options()));
  ASSERT_OK_AND_ASSIGN(pack, put(built));
  for (const Version& version : versions) {
    ASSERT_OK_AND_ASSIGN(info, pack.info(version.object.id, context_));
    PackBuilderOptions alone = options();
    alone.deltas = false;
    ASSERT_OK_AND_ASSIGN(whole, build({version}, alone));
    constexpr std::size_t kAround = 48;  // header and trailer of a pack
    // A delta that is shorter than 64 bytes and a share is not compared.
    EXPECT_LE(info.entry_bytes,
              std::max<std::uint64_t>(whole.pack.size() - kAround, 75 + 50'000 / 64));
  }
}

TEST_F(BuilderDeltasTest, AnObjectThatComesTwiceIsNoBaseOfItself) {
  std::vector<Version> versions = history(2, 30, 4'000, true, 13);
  const std::vector<Version> again = versions;
  versions.insert(versions.end(), again.begin(), again.end());
  ASSERT_OK_AND_ASSIGN(built, build(versions, options()));
  EXPECT_EQ(built.summary.duplicates, again.size());
  ASSERT_OK_AND_ASSIGN(pack, put(built));
  EXPECT_THAT(read_pack(pack), HoldsExactly(objects_of(again)));
}

TEST_F(BuilderDeltasTest, PayloadsThatComeInPiecesTakePartToo) {
  const std::vector<Version> versions = history(1, 10, 10'000, false, 14);
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(options(32, 2)));
  for (const auto& [object, lineage] : versions) {
    const Bytes payload = object.payload;
    ASSERT_THAT(builder.begin_object(object.id.kind(), object.type, payload.size()), IsOk());
    ASSERT_THAT(builder.write(payload.first(1'000)), IsOk());
    ASSERT_THAT(builder.flush(), IsOk());
    ASSERT_THAT(builder.write(payload.subspan(1'000)), IsOk());
    ASSERT_THAT(builder.end_object(object.id, {.lineage = lineage}), IsOk());
  }
  ASSERT_OK_AND_ASSIGN(built, builder.finish_in_memory());
  EXPECT_EQ(built.summary.deltas, 9u);
  ASSERT_OK_AND_ASSIGN(pack, put(built));
  EXPECT_THAT(read_pack(pack), HoldsExactly(objects_of(versions)));
}

TEST_F(BuilderDeltasTest, WhatMakesNoSenseIsRefused) {
  PackBuilderOptions raw = options();
  raw.compress = false;
  EXPECT_THAT(PackBuilder::in_memory(raw), FailsWith(ErrorCode::kInvalidArgument, "compress"));
  PackBuilderOptions little = options();
  const std::uint64_t smallest = smallest_build_memory_bytes(little);
  little.work.memory_bytes = smallest - 1;
  EXPECT_THAT(PackBuilder::in_memory(little),
              FailsWith(ErrorCode::kInvalidArgument, memory_size(smallest)));
  little.work.memory_bytes = smallest;
  EXPECT_THAT(PackBuilder::in_memory(little), IsOk());
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(options()));
  ASSERT_OK_AND_ASSIGN(
      base, builder.add(test_id(IdKind::kContentHash, 1), ObjectType::kBlob, bytes_of("x")));
  EXPECT_THAT(builder.add_delta(test_id(IdKind::kContentHash, 2), base, 2, append_program(1, "y")),
              FailsWith(ErrorCode::kInvalidArgument, "makes deltas itself"));
}

TEST_F(BuilderDeltasTest, EveryFileOperationThatFailsFailsTheBuild) {
  const std::vector<Version> versions = history(3, 12, 150'000, true, 15);
  std::uint64_t operations = 1;
  for (std::uint64_t n = 0; n <= operations; ++n) {
    MemoryFileSystem memory;
    FaultyFileSystem files(memory);
    if (n > 0) files.inject({.operation = n - 1});
    PackBuilderOptions small = options();
    small.work.memory_bytes = smallest_build_memory_bytes(small);
    small.work.file_system = &files;
    const auto built = [&]() -> Result<PackSummary> {
      PackBuilder builder = TRY(PackBuilder::create("/a.pack", small));
      for (const auto& [object, lineage] : versions) {
        TRY(builder.add(object.id, object.type, object.payload, {.lineage = lineage}));
      }
      return builder.finish();
    }();
    if (n == 0) {
      ASSERT_THAT(built, IsOk());
      EXPECT_GT(files.counters().bytes_read, 0u);
      operations = files.counters().operations();
    } else {
      EXPECT_THAT(built, FailsWith(ErrorCode::kIo, "injected fault")) << n;
      EXPECT_EQ(files.open_files(), 0u);
    }
  }
}

}  // namespace
}  // namespace bale
