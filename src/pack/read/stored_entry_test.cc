// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Entries as they lie in a pack (PackReader::stored_at), and unpacking them elsewhere.

#include <string>
#include <utility>
#include <vector>

#include "base/budget.h"
#include "codec/delta.h"
#include "pack/read/stored_payload.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_draft.h"
#include "testing/pack_fixture.h"

namespace bale {
namespace {

class StoredEntryTest : public testing::TestWithParam<PackAccess> {
 protected:
  Result<PackReader> open() {
    return PackReader::open("/p.pack", {.access = GetParam(), .file_system = &files_});
  }

  Result<ByteVector> unpacked(const StoredEntry& entry, std::size_t room_bytes) {
    ByteVector room(room_bytes);
    const Result<Bytes> bytes = unpack(entry, *decompressor_, room);
    if (!bytes) return bytes.error();
    return ByteVector(bytes->begin(), bytes->end());
  }

  MemoryFileSystem files_;
  Budget budget_{1 << 20};
  Result<Decompressor> decompressor_ = Decompressor::create(budget_);
  ReadContext context_;
};

INSTANTIATE_TEST_SUITE_P(Access, StoredEntryTest,
                         testing::Values(PackAccess::kMap, PackAccess::kRead));

TEST_P(StoredEntryTest, WholeObjectsAndDeltasUnpackToWhatWasAdded) {
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(test_options()));
  const ByteVector text = prose(5'000, 1);
  const ByteVector hiss = noise(5'000, 2);
  ByteVector program = append_program(text.size(), std::string(100, 'x'));
  const ByteVector long_program = [&] {
    ByteVector made;
    for (int i = 0; i < 100; ++i) {
      const ByteVector part = append_program(text.size(), std::string(100, 'x'));
      made.insert(made.end(), part.begin(), part.end());
    }
    return made;
  }();
  const auto id = [](std::uint64_t number) { return test_id(IdKind::kContentHash, number); };
  ASSERT_OK_AND_ASSIGN(base, builder.add(id(1), ObjectType::kTree, text));
  ASSERT_THAT(builder.add(id(2), ObjectType::kBlob, hiss), IsOk());
  ASSERT_THAT(builder.add_delta(id(3), base, 5'100, program), IsOk());
  ASSERT_THAT(builder.add_delta(id(4), base, 510'000, long_program), IsOk());
  ASSERT_OK_AND_ASSIGN(built, builder.finish_in_memory());
  ASSERT_THAT(put_pack(files_, "/p.pack", built), IsOk());
  ASSERT_OK_AND_ASSIGN(pack, open());
  const std::vector<ByteVector> contents = {text, hiss, program, long_program};
  for (std::uint64_t number = 1; number <= 4; ++number) {
    SCOPED_TRACE(number);
    const std::uint64_t offset = *pack.find(id(number));
    ASSERT_OK_AND_ASSIGN(entry, pack.stored_at(offset, UINT64_MAX, context_));
    EXPECT_EQ(entry.id, id(number));
    EXPECT_EQ(entry.offset, offset);
    EXPECT_EQ(entry.is_delta(), number > 2);
    if (entry.is_delta()) {
      EXPECT_EQ(entry.base, id(1));
    } else {
      EXPECT_EQ(entry.type, number == 1 ? ObjectType::kTree : ObjectType::kBlob);
      EXPECT_EQ(entry.size, contents[number - 1].size());
    }
    EXPECT_EQ(entry.stored.size(), entry.stored_size);
    ASSERT_OK_AND_ASSIGN(bound, unpacked_bound(entry));
    EXPECT_EQ(bound == 0, entry.stored_size == contents[number - 1].size());
    ASSERT_OK_AND_ASSIGN(content, unpacked(entry, bound));
    EXPECT_EQ(content, contents[number - 1]);
    if (bound > 0) {
      EXPECT_THAT(unpacked(entry, bound - 1), FailsWith(ErrorCode::kCorrupt));
    }
  }
}

TEST_P(StoredEntryTest, LongPayloadsAreLeftWhereTheyAre) {
  PackDraft draft;
  const std::uint64_t offset =
      draft.add_raw(test_id(IdKind::kChangeId, 1), ObjectType::kState, noise(1'000, 1));
  ASSERT_THAT(put_pack(files_, "/p.pack", draft.pack(), draft.index()), IsOk());
  ASSERT_OK_AND_ASSIGN(pack, open());
  ASSERT_OK_AND_ASSIGN(without, pack.stored_at(offset, 999, context_));
  EXPECT_TRUE(without.stored.empty());
  EXPECT_EQ(without.stored_size, 1'000u);
  ASSERT_OK_AND_ASSIGN(with, pack.stored_at(offset, 1'000, context_));
  EXPECT_EQ(with.stored.size(), 1'000u);
}

TEST_P(StoredEntryTest, WhatIsNotWholeIsCorrupt) {
  PackDraft draft;
  const ObjectId base = test_id(IdKind::kContentHash, 1);
  const ObjectId id = test_id(IdKind::kContentHash, 2);
  draft.add_raw(base, ObjectType::kBlob, noise(100, 1));
  const std::uint64_t offset = draft.add_delta(id, base, 101, append_program(100, "x"));
  const ByteVector whole = draft.pack();
  for (std::size_t cut = 1; cut < whole.size() - offset; ++cut) {
    ByteVector pack = whole;
    pack.erase(pack.end() - static_cast<std::ptrdiff_t>(cut + 32), pack.end() - 32);
    ASSERT_THAT(put_pack(files_, "/p.pack", pack, draft.index(PackDraft::Trailer::kWithout)),
                IsOk());
    const Result<PackReader> reader = open();
    if (!reader) continue;  // too short for two entries
    EXPECT_THAT(reader->stored_at(offset, UINT64_MAX, context_), FailsWith(ErrorCode::kCorrupt));
  }
  ASSERT_THAT(put_pack(files_, "/p.pack", whole, draft.index()), IsOk());
  ASSERT_OK_AND_ASSIGN(pack, open());
  for (const std::uint64_t outside :
       {std::uint64_t{0}, std::uint64_t{15}, whole.size() - 32, std::uint64_t{UINT64_MAX}}) {
    EXPECT_THAT(pack.stored_at(outside, UINT64_MAX, context_), FailsWith(ErrorCode::kCorrupt));
  }
  EXPECT_THAT(pack.stored_at(offset, UINT64_MAX, context_), IsOk());
}

TEST(StoredPayloadTest, AProgramThatClaimsMoreThanItCanBeIsBoundedByItsObject) {
  Budget budget(4 << 20);
  ASSERT_OK_AND_ASSIGN(compressor, Compressor::create(budget, 3));
  const ByteVector zeros(1 << 20);
  ByteVector frame(Compressor::bound(zeros.size()));
  ASSERT_OK_AND_ASSIGN(size, compressor.compress(zeros, frame));
  frame.resize(size);
  EXPECT_EQ(program_bound(frame, 10).value(), max_program_bytes(10));
  EXPECT_EQ(program_bound(frame, 1 << 20).value(), zeros.size());
  frame.resize(size / 2);
  EXPECT_THAT(program_bound(frame, 1 << 20), FailsWith(ErrorCode::kCorrupt));
  EXPECT_EQ(program_bound(as_bytes("\x03wxyz"), 10).value(), 0u);
}

}  // namespace
}  // namespace bale
