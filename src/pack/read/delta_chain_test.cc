// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Deltas: chains as long as may be and one longer, bases that are missing, come too late or lead in
// circles, and reading them in any order and in little memory.

#include <algorithm>
#include <string>
#include <vector>

#include "bale/pack_builder.h"
#include "bale/pack_reader.h"
#include "bale/pack_verifier.h"
#include "base/known_id.h"
#include "base/try.h"
#include "codec/delta_encoder.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_draft.h"
#include "testing/pack_fixture.h"
#include "testing/test_bytes.h"

namespace bale {
namespace {

ObjectId hash(std::uint64_t number) {
  return test_id(IdKind::kContentHash, number);
}

class DeltaChainTest : public testing::Test {
 protected:
  Result<void> put(const PackDraft& draft) {
    return put_pack(files_, "/a.pack", draft.pack(), draft.index());
  }

  Result<PackReader> open(PackAccess access = PackAccess::kMap) {
    return PackReader::open("/a.pack", {.access = access, .file_system = &files_});
  }

  Result<PackReport> verify() { return verify_pack("/a.pack", {.work = {.file_system = &files_}}); }

  // An object and `delta_count` deltas in a row, each of its base and one byte more.
  static PackDraft chain(int delta_count) {
    PackDraft draft;
    draft.add_raw(hash(0), ObjectType::kTree, bytes_of("x"));
    for (int i = 1; i <= delta_count; ++i) {
      const auto number = static_cast<std::uint64_t>(i);
      draft.add_delta(hash(number), hash(number - 1), number + 1, append_program(number, "x"));
    }
    return draft;
  }

  MemoryFileSystem files_;
  ReadContext context_;
};

TEST_F(DeltaChainTest, FiftyDeltasInARowAreWrittenAndTheNextIsRefused) {
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(test_options()));
  std::vector<TestObject> objects = {{hash(0), ObjectType::kAction, prose(3'000, 1)}};
  ASSERT_OK_AND_ASSIGN(handle, builder.add(hash(0), ObjectType::kAction, objects[0].payload));
  for (std::uint64_t i = 1; i <= 50; ++i) {
    TestObject next = objects.back();
    const ByteVector program = append_program(next.payload.size(), "+");
    next.id = hash(i);
    next.payload.push_back(std::byte{'+'});
    ASSERT_OK_AND_ASSIGN(added, builder.add_delta(next.id, handle, next.payload.size(), program));
    EXPECT_EQ(added.depth, static_cast<int>(i));
    EXPECT_EQ(added.type, ObjectType::kAction);
    handle = added;
    objects.push_back(next);
  }
  // A builder refuses for good, so a second one is asked for the 51st.
  ASSERT_OK_AND_ASSIGN(built, builder.finish_in_memory());
  ASSERT_THAT(put_pack(files_, "/a.pack", built), IsOk());
  for (const PackAccess access : {PackAccess::kMap, PackAccess::kRead}) {
    EXPECT_THAT(read_pack(files_, "/a.pack", access), HoldsExactly(objects));
    ASSERT_OK_AND_ASSIGN(pack, open(access));
    ASSERT_OK_AND_ASSIGN(info, pack.info(hash(50), context_));
    EXPECT_EQ(info.depth, 50);
    EXPECT_EQ(info.type, ObjectType::kAction);
  }
  ASSERT_OK_AND_ASSIGN(another, PackBuilder::in_memory(test_options()));
  for (int i = 0; i < 51; ++i) {
    ASSERT_THAT(another.add(hash(static_cast<std::uint64_t>(i)), ObjectType::kBlob, {}), IsOk());
  }
  EXPECT_THAT(another.add_delta(hash(99), handle, 5, append_program(4, "y")),
              FailsWith(ErrorCode::kInvalidArgument, "already 50 deltas away"));
}

TEST_F(DeltaChainTest, AReaderTakesFiftyOneDeltasAndRefusesFiftyTwo) {
  ASSERT_THAT(put(chain(52)), IsOk());
  for (const PackAccess access : {PackAccess::kMap, PackAccess::kRead}) {
    ASSERT_OK_AND_ASSIGN(pack, open(access));
    // What is refused does not depend on what was read before, nor on how much is remembered.
    for (const std::uint64_t memory_bytes : {std::uint64_t{8} << 20, std::uint64_t{450} << 10}) {
      ReadContext context(memory_bytes);
      for (int round = 0; round < 2; ++round) {
        EXPECT_THAT(pack.get(hash(52), context), FailsWith(ErrorCode::kCorrupt, "too long"));
        ASSERT_OK_AND_ASSIGN(object, pack.get(hash(51), context));
        EXPECT_EQ(as_text(object.payload), std::string(52, 'x'));
        EXPECT_EQ(object.type, ObjectType::kTree);
        EXPECT_THAT(pack.get(hash(50), context), IsOk());
        EXPECT_THAT(pack.get(hash(52), context), FailsWith(ErrorCode::kCorrupt, "too long"));
      }
    }
    EXPECT_THAT(pack.info(hash(52), context_), FailsWith(ErrorCode::kCorrupt, "too long"));
    ASSERT_OK_AND_ASSIGN(info, pack.info(hash(51), context_));
    EXPECT_EQ(info.depth, 51);
  }
  ASSERT_OK_AND_ASSIGN(report, verify());
  ASSERT_EQ(report.errors.size(), 1u);
  EXPECT_NE(report.errors[0].message.find("too long"), std::string::npos);
}

TEST_F(DeltaChainTest, CyclesAreRefused) {
  PackDraft draft;
  draft.add_raw(hash(9), ObjectType::kBlob, bytes_of("whole"));
  draft.add_delta(hash(1), hash(2), 1, append_program(1, ""));
  draft.add_delta(hash(2), hash(1), 1, append_program(1, ""));
  draft.add_delta(hash(3), hash(3), 1, append_program(1, ""));
  ASSERT_THAT(put(draft), IsOk());
  for (const PackAccess access : {PackAccess::kMap, PackAccess::kRead}) {
    ASSERT_OK_AND_ASSIGN(pack, open(access));
    for (const std::uint64_t number : {1u, 2u, 3u}) {
      EXPECT_THAT(pack.get(hash(number), context_), FailsWith(ErrorCode::kCorrupt));
      EXPECT_THAT(pack.info(hash(number), context_), FailsWith(ErrorCode::kCorrupt));
    }
    EXPECT_THAT(pack.get(hash(9), context_), IsOk());
  }
  ASSERT_OK_AND_ASSIGN(report, verify());
  EXPECT_EQ(report.errors.size(), 3u);
}

TEST_F(DeltaChainTest, AMissingBaseIsRefused) {
  // The first base there is, one behind all hashes, one in between.
  for (const ObjectId& base :
       {ObjectId(), prefixed_id(1),
        known_id<ObjectId>(IdKind::kContentHash, ByteVector(32, std::byte{0xff}))}) {
    PackDraft draft;
    draft.add_raw(hash(1), ObjectType::kBlob, bytes_of("a"));
    draft.add_raw(test_id(IdKind::kChangeId, 1), ObjectType::kState, bytes_of("s"));
    draft.add_delta(hash(2), base, 1, append_program(1, ""));
    ASSERT_THAT(put(draft), IsOk());
    ASSERT_OK_AND_ASSIGN(pack, open());
    EXPECT_THAT(pack.get(hash(2), context_), FailsWith(ErrorCode::kCorrupt, base.to_hex()));
    EXPECT_THAT(pack.info(hash(2), context_), FailsWith(ErrorCode::kCorrupt, base.to_hex()));
    ASSERT_OK_AND_ASSIGN(report, verify());
    EXPECT_EQ(report.errors.size(), 1u);
    EXPECT_THAT(make_index("/a.pack", {.index_path = "/b.idx", .work = {.file_system = &files_}}),
                FailsWith(ErrorCode::kCorrupt, base.to_hex()));
  }
}

TEST_F(DeltaChainTest, AForeignBaseMayStandBehindItsDelta) {
  PackDraft draft;
  draft.add_delta(hash(2), hash(1), 2, append_program(1, "y"));
  draft.add_raw(hash(1), ObjectType::kBlob, bytes_of("x"));
  ASSERT_THAT(put(draft), IsOk());
  EXPECT_THAT(make_index("/a.pack", {.index_path = "/b.idx", .work = {.file_system = &files_}}),
              IsOk());
  ASSERT_OK_AND_ASSIGN(pack, open());
  ASSERT_OK_AND_ASSIGN(object, pack.get(hash(2), context_));
  EXPECT_EQ(as_text(object.payload), "xy");
}

TEST_F(DeltaChainTest, ABuilderRefusesBasesThatCannotBe) {
  const ByteVector program = append_program(0, "x");
  const auto refused = [&](const ObjectId& id, const EntryHandle& base, std::uint64_t size) {
    auto builder = PackBuilder::in_memory(test_options());
    EXPECT_THAT(builder, IsOk());
    EXPECT_THAT(builder->add(hash(1), ObjectType::kBlob, {}), IsOk());
    return builder->add_delta(id, base, size, program);
  };
  const EntryHandle there{.id = hash(1)};
  EXPECT_THAT(refused(hash(2), there, 1), IsOk());
  EXPECT_THAT(refused(hash(1), there, 1), FailsWith(ErrorCode::kInvalidArgument, "another object"));
  EXPECT_THAT(refused(hash(2), {.id = test_id(IdKind::kChangeId, 1)}, 1),
              FailsWith(ErrorCode::kInvalidArgument, "content hash"));
  EXPECT_THAT(refused(hash(2), {.id = hash(1), .ordinal = 1}, 1),
              FailsWith(ErrorCode::kInvalidArgument, "another builder"));
  EXPECT_THAT(refused(hash(2), there, kMaxDeltaObjectBytes + 1),
              FailsWith(ErrorCode::kInvalidArgument, "too large for a delta"));
}

TEST_F(DeltaChainTest, ABuilderProvesEveryBaseWhenItFinishes) {
  // A handle of another builder, which by its number alone could be of this one.
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(test_options()));
  ASSERT_THAT(builder.add(hash(1), ObjectType::kBlob, {}), IsOk());
  ASSERT_THAT(builder.add_delta(hash(2), {.id = hash(77)}, 1, append_program(0, "x")), IsOk());
  EXPECT_THAT(builder.finish(), FailsWith(ErrorCode::kCorrupt, hash(77).to_hex()));
}

// Versions of a text, each a delta against the one before or against an earlier one.
TEST_F(DeltaChainTest, ReadsInAnyOrderInBothWaysAndInLittleMemory) {
  TestRandom random(1);
  Budget budget(64 << 20);
  ASSERT_OK_AND_ASSIGN(encoder, DeltaEncoder::create(budget, 1 << 20));
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(test_options()));
  std::vector<TestObject> objects;
  std::vector<EntryHandle> handles;
  for (std::uint64_t i = 0; i < 150; ++i) {
    TestObject object{hash(i), ObjectType::kBlob, prose(20'000 + random.below(20'000), i / 40)};
    bool stored = false;
    if (i % 40 != 0) {
      const std::size_t from = random.below(4) == 0 ? i / 40 * 40 : i - 1;
      object.payload = edited(random, objects[from].payload, 5);
      encoder.index(objects[from].payload);
      ByteVector program(DeltaEncoder::bound(object.payload.size()));
      const auto size = encoder.encode(object.payload, program);
      ASSERT_TRUE(size.has_value());
      ASSERT_OK_AND_ASSIGN(handle,
                           builder.add_delta(object.id, handles[from], object.payload.size(),
                                             Bytes(program).first(*size)));
      handles.push_back(handle);
      stored = true;
    }
    if (!stored) {
      ASSERT_OK_AND_ASSIGN(handle, builder.add(object.id, object.type, object.payload));
      handles.push_back(handle);
    }
    objects.push_back(std::move(object));
  }
  ASSERT_OK_AND_ASSIGN(built, builder.finish_in_memory());
  ASSERT_THAT(put_pack(files_, "/a.pack", built), IsOk());
  for (const PackAccess access : {PackAccess::kMap, PackAccess::kRead}) {
    ASSERT_OK_AND_ASSIGN(pack, open(access));
    for (const std::uint64_t memory_bytes :
         {std::uint64_t{32} << 20, std::uint64_t{1} << 20, std::uint64_t{500} << 10}) {
      ReadContext context(memory_bytes);
      for (std::size_t i = 0; i < 2 * objects.size(); ++i) {
        // In the order of the pack, and then jumping about.
        const TestObject& object =
            i < objects.size() ? objects[i] : objects[random.below(objects.size())];
        ASSERT_OK_AND_ASSIGN(got, pack.get(object.id, context));
        ASSERT_TRUE(std::ranges::equal(got.payload, object.payload)) << i << ' ' << memory_bytes;
      }
    }
  }
}

TEST_F(DeltaChainTest, PayloadsThatFillTheCacheToItsEndAreRead) {
  // Sizes that are powers of two meet the end of the cache exactly, wherever that is.
  PackDraft draft;
  const ByteVector base = noise(4096, 1);
  for (std::uint64_t i = 0; i < 600; i += 2) {
    draft.add_raw(hash(i), ObjectType::kBlob, base);
    draft.add_delta(hash(i + 1), hash(i), 4096, append_program(4096, ""));
  }
  ASSERT_THAT(put(draft), IsOk());
  ASSERT_OK_AND_ASSIGN(pack, open());
  ReadContext context(1 << 20);
  for (std::uint64_t i = 0; i < 600; ++i) {
    ASSERT_OK_AND_ASSIGN(got, pack.get(hash(i), context));
    ASSERT_TRUE(std::ranges::equal(got.payload, base)) << i;
  }
}

TEST_F(DeltaChainTest, TooLittleMemorySaysHowMuchWouldDo) {
  constexpr std::size_t kSize = 3 << 20;
  const ByteVector large = noise(kSize, 1);
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(test_options()));
  ASSERT_OK_AND_ASSIGN(whole, builder.add(hash(1), ObjectType::kBlob, large));
  Budget budget(64 << 20);
  ASSERT_OK_AND_ASSIGN(encoder, DeltaEncoder::create(budget, kSize));
  encoder.index(large);
  ByteVector longer = large;
  longer.insert(longer.end(), 1'000, std::byte{1});
  ByteVector program(1 << 20);
  const auto size = encoder.encode(longer, program);
  ASSERT_TRUE(size.has_value());
  ASSERT_THAT(builder.add_delta(hash(2), whole, longer.size(), Bytes(program).first(*size)),
              IsOk());
  ASSERT_OK_AND_ASSIGN(built, builder.finish_in_memory());
  ASSERT_THAT(put_pack(files_, "/a.pack", built), IsOk());
  for (const PackAccess access : {PackAccess::kMap, PackAccess::kRead}) {
    ASSERT_OK_AND_ASSIGN(pack, open(access));
    for (const std::uint64_t number : {1u, 2u}) {
      for (const std::uint64_t memory_bytes :
           {std::uint64_t{1} << 18, std::uint64_t{1} << 20, std::uint64_t{5} << 20}) {
        ReadContext small(memory_bytes);
        const auto refused = pack.get(hash(number), small);
        if (refused) continue;
        ASSERT_THAT(refused, FailsWithHint(ErrorCode::kLimitExceeded, HintKind::kNeedsMemory));
        ReadContext enough(refused.error().hint.needed_bytes);
        ASSERT_OK_AND_ASSIGN(object, pack.get(hash(number), enough));
        EXPECT_EQ(object.payload.size(), number == 1 ? kSize : longer.size());
      }
    }
  }
}

}  // namespace
}  // namespace bale
