// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "bale/pack_reader.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "bale/pack_builder.h"
#include "base/error.h"
#include "base/try.h"
#include "codec/zstd.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_draft.h"
#include "testing/pack_fixture.h"
#include "testing/temp_directory.h"

namespace bale {
namespace {

class PackReaderTest : public testing::Test {
 protected:
  Result<PackReader> open(const PackDraft& draft, PackAccess access = PackAccess::kMap) {
    TRY(put_pack(files_, "/a.pack", draft.pack(), draft.index()));
    return open(access);
  }

  Result<PackReader> open(PackAccess access = PackAccess::kMap) {
    return PackReader::open("/a.pack", {.access = access, .file_system = &files_});
  }

  MemoryFileSystem files_;
  ReadContext context_;
};

TEST_F(PackReaderTest, SaysWhatIsMissing) {
  EXPECT_THAT(open(), FailsWith(ErrorCode::kNotFound, "/a.pack"));
  ASSERT_OK_AND_ASSIGN(built, build_pack({}));
  ASSERT_THAT(write_file(files_, "/a.pack", built.pack), IsOk());
  EXPECT_THAT(open(), FailsWith(ErrorCode::kNotFound, "/a.idx"));
}

TEST_F(PackReaderTest, RefusesTheIndexOfAnotherPack) {
  ASSERT_OK_AND_ASSIGN(one, build_pack(make_objects(10, 1)));
  ASSERT_OK_AND_ASSIGN(two, build_pack(make_objects(10, 2)));
  ASSERT_THAT(put_pack(files_, "/a.pack", one.pack, two.index), IsOk());
  EXPECT_THAT(open(), FailsWith(ErrorCode::kCorrupt, "index of another pack"));
}

TEST_F(PackReaderTest, FindsExactlyTheIdsThatWereAdded) {
  const std::vector<TestObject> objects = in_id_order(make_objects(500, 1));
  ASSERT_OK_AND_ASSIGN(built, build_pack(objects));
  ASSERT_THAT(put_pack(files_, "/a.pack", built), IsOk());
  ASSERT_OK_AND_ASSIGN(pack, open());
  EXPECT_EQ(pack.entry_count(), 500u);
  EXPECT_EQ(pack.record_count(), 500u);
  EXPECT_EQ(pack.pack_bytes(), built.pack.size());
  EXPECT_EQ(pack.trailer(), built.summary.trailer);
  EXPECT_EQ(pack.path(), "/a.pack");
  for (std::uint64_t i = 0; i < objects.size(); ++i) {
    EXPECT_EQ(pack.lower_bound(objects[i].id), i);
    ASSERT_OK_AND_ASSIGN(record, pack.record(i));
    EXPECT_EQ(record.id, objects[i].id);
  }
  for (std::uint64_t i = 0; i < 300; ++i) {
    const ObjectId id = test_id(static_cast<IdKind>(i % 2), 1'000'000'000 + i);
    EXPECT_FALSE(pack.find(id).has_value());
    EXPECT_THAT(pack.get(id, context_), FailsWith(ErrorCode::kNotFound, id.to_hex()));
    EXPECT_THAT(pack.info(id, context_), FailsWith(ErrorCode::kNotFound));
    const auto expected = std::partition_point(objects.begin(), objects.end(),
                                               [&](const auto& o) { return o.id < id; });
    EXPECT_EQ(pack.lower_bound(id), static_cast<std::uint64_t>(expected - objects.begin()));
  }
}

TEST_F(PackReaderTest, RawPayloadsAreViewsOfTheMapWithoutACopy) {
  const ByteVector large = noise(3 << 20, 1);
  ASSERT_OK_AND_ASSIGN(built, build_pack({{kId, ObjectType::kBlob, bytes_of("raw")},
                                          {kOther, ObjectType::kBlob, noise(900, 1)}}));
  ASSERT_THAT(put_pack(files_, "/a.pack", built), IsOk());
  ASSERT_OK_AND_ASSIGN(pack, open());
  ReadContext no_memory(0);
  ASSERT_OK_AND_ASSIGN(first, pack.get(kId, no_memory));
  ASSERT_OK_AND_ASSIGN(other, pack.get(kOther, no_memory));
  ASSERT_OK_AND_ASSIGN(second, pack.get(kId, context_));
  EXPECT_EQ(first.payload.data(), second.payload.data());
  EXPECT_EQ(as_text(first.payload), "raw");
  // Both lie where they lie in the file.
  ASSERT_OK_AND_ASSIGN(first_info, pack.info(kId, context_));
  ASSERT_OK_AND_ASSIGN(other_info, pack.info(kOther, context_));
  EXPECT_EQ(other.payload.data() + other.payload.size() - first.payload.data() - 3,
            static_cast<std::ptrdiff_t>(other_info.offset + other_info.entry_bytes) -
                static_cast<std::ptrdiff_t>(first_info.offset + first_info.entry_bytes));
}

TEST_F(PackReaderTest, InfoTellsWhatHeadersSay) {
  const ByteVector text = prose(2'000, 1);
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(test_options()));
  ASSERT_OK_AND_ASSIGN(base, builder.add(kId, ObjectType::kTree, text));
  ASSERT_THAT(builder.add_delta(kOther, base, text.size(), append_program(text.size(), "")),
              IsOk());
  ASSERT_OK_AND_ASSIGN(built, builder.finish_in_memory());
  ASSERT_THAT(put_pack(files_, "/a.pack", built), IsOk());
  for (const PackAccess access : {PackAccess::kMap, PackAccess::kRead}) {
    ASSERT_OK_AND_ASSIGN(pack, open(access));
    ASSERT_OK_AND_ASSIGN(whole, pack.info(kId, context_));
    EXPECT_EQ(whole.id, kId);
    EXPECT_EQ(whole.type, ObjectType::kTree);
    EXPECT_EQ(whole.size, 2'000u);
    EXPECT_LT(whole.stored_size, 2'000u);
    EXPECT_EQ(whole.offset, 16u);
    EXPECT_EQ(whole.entry_bytes, 33 + 2 + 2 + whole.stored_size);
    EXPECT_FALSE(whole.base.has_value());
    EXPECT_EQ(whole.depth, 0);
    ASSERT_OK_AND_ASSIGN(delta, pack.info(kOther, context_));
    EXPECT_EQ(delta.type, ObjectType::kTree);
    EXPECT_EQ(delta.stored_size, 3u);
    EXPECT_EQ(delta.offset, whole.offset + whole.entry_bytes);
    EXPECT_EQ(delta.base, kId);
    EXPECT_EQ(delta.depth, 1);
  }
}

TEST_F(PackReaderTest, OpeningReadsHeaderAndTrailerAndNothingElse) {
  for (const std::size_t count : {std::size_t{1}, std::size_t{3'000}}) {
    ASSERT_OK_AND_ASSIGN(built, build_pack(make_objects(count, 1)));
    ASSERT_THAT(put_pack(files_, "/a.pack", built), IsOk());
    for (const PackAccess access : {PackAccess::kMap, PackAccess::kRead}) {
      FaultyFileSystem counting(files_);
      ASSERT_THAT(PackReader::open("/a.pack", {.access = access, .file_system = &counting}),
                  IsOk());
      EXPECT_EQ(counting.counters().bytes_read, 16u + 32);
    }
  }
}

TEST_F(PackReaderTest, OpeningTouchesNoMorePagesOfALargePackThanOfASmallOne) {
  // One entry whose payload is a hole in the file: as large as wanted, and made in no time.
  const TempDirectory directory;
  std::vector<long> faults;
  for (const std::uint64_t size : {std::uint64_t{10} << 20, std::uint64_t{1} << 30}) {
    const std::string path = directory / std::to_string(size);
    PackDraft draft;
    const ByteVector none;
    draft.add({.id = kId, .size = size, .stored_size = 0}, none, StoredSizeForm::kPadded);
    ByteVector start = draft.pack();
    start.erase(start.end() - 32, start.end());
    const auto padded = encode_padded_varint(size);
    std::copy(padded.begin(), padded.end(), start.end() - 10);
    ASSERT_OK_AND_ASSIGN(file, posix_file_system().create(path, CreateMode::kTruncate));
    ASSERT_THAT(file->write_at(0, start), IsOk());
    ASSERT_THAT(file->truncate(start.size() + size + 32), IsOk());
    ASSERT_THAT(
        write_file(posix_file_system(), path + ".idx", draft.index(PackDraft::Trailer::kWithout)),
        IsOk());
    ASSERT_THAT(PackReader::open(path), IsOk());  // so that code is not counted
    rusage before{};
    rusage after{};
    getrusage(RUSAGE_SELF, &before);
    ASSERT_OK_AND_ASSIGN(pack, PackReader::open(path));
    getrusage(RUSAGE_SELF, &after);
    faults.push_back(after.ru_minflt - before.ru_minflt + after.ru_majflt - before.ru_majflt);
    ASSERT_OK_AND_ASSIGN(info, pack.info(kId, context_));
    EXPECT_EQ(info.size, size);
    ASSERT_OK_AND_ASSIGN(object, pack.get(kId, context_));
    EXPECT_EQ(object.payload.size(), size);
    EXPECT_EQ(object.payload.back(), std::byte{0});
  }
  EXPECT_LE(faults[1], faults[0] + 8);
  EXPECT_LE(faults[1], 64);
}

TEST_F(PackReaderTest, LargePayloadsComeInPiecesAndASinksErrorEndsThem) {
  const ByteVector large = noise(2 << 20, 1);
  const ByteVector soft = prose(3 << 20, 1);
  ASSERT_OK_AND_ASSIGN(
      built, build_pack({{kId, ObjectType::kBlob, large}, {kOther, ObjectType::kAction, soft}}));
  ASSERT_THAT(put_pack(files_, "/a.pack", built), IsOk());
  for (const PackAccess access : {PackAccess::kMap, PackAccess::kRead}) {
    ASSERT_OK_AND_ASSIGN(pack, open(access));
    ReadContext small(4 << 20);
    for (const auto& [id, payload] : {std::pair(kId, &large), std::pair(kOther, &soft)}) {
      ByteVector got;
      std::size_t pieces = 0;
      ASSERT_THAT(pack.read(id, small,
                            [&](Bytes piece) -> Result<void> {
                              got.insert(got.end(), piece.begin(), piece.end());
                              ++pieces;
                              return {};
                            }),
                  IsOk());
      EXPECT_TRUE(got == *payload);
      EXPECT_GT(pieces, 1u);
      pieces = 0;
      EXPECT_THAT(pack.read(id, small,
                            [&](Bytes) -> Result<void> {
                              ++pieces;
                              return fail(ErrorCode::kInterrupted, "enough");
                            }),
                  FailsWith(ErrorCode::kInterrupted, "enough"));
      EXPECT_EQ(pieces, 1u);
    }
  }
}

TEST_F(PackReaderTest, AFileThatShrinksIsAnErrorWhereItIsRead) {
  ASSERT_OK_AND_ASSIGN(built, build_pack({{kId, ObjectType::kBlob, noise(200'000, 1)}}));
  ASSERT_THAT(put_pack(files_, "/a.pack", built), IsOk());
  ASSERT_OK_AND_ASSIGN(pack, open(PackAccess::kRead));
  ASSERT_THAT(write_file(files_, "/a.pack", Bytes(built.pack).first(1'000)), IsOk());
  EXPECT_THAT(pack.get(kId, context_), FailsWith(ErrorCode::kCorrupt, "the file ends at 1000"));
}

TEST_F(PackReaderTest, FramesAsOtherWritersMakeThemAreRead) {
  Budget budget(64 << 20);
  ASSERT_OK_AND_ASSIGN(compressor, Compressor::create(budget, 3));
  const ByteVector text = prose(5'000, 1);
  ByteVector stored(kEmptySkippableFrame.begin(), kEmptySkippableFrame.end());
  for (const Bytes part : {Bytes(text).first(1'000), Bytes(text).subspan(1'000)}) {
    ByteVector frame(Compressor::bound(part.size()));
    ASSERT_OK_AND_ASSIGN(size, compressor.compress(part, frame));
    stored.insert(stored.end(), frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
    stored.insert(stored.end(), kEmptySkippableFrame.begin(), kEmptySkippableFrame.end());
  }
  PackDraft draft;
  draft.add({.id = kId, .type = EntryType::kState, .size = text.size()}, stored);
  ByteVector nothing(Compressor::bound(0));
  ASSERT_OK_AND_ASSIGN(nothing_size, compressor.compress({}, nothing));
  draft.add({.id = kOther, .size = 0}, Bytes(nothing).first(nothing_size));
  for (const PackAccess access : {PackAccess::kMap, PackAccess::kRead}) {
    ASSERT_OK_AND_ASSIGN(pack, open(draft, access));
    EXPECT_THAT(read_pack(pack),
                HoldsExactly(std::vector<TestObject>{{kId, ObjectType::kState, text},
                                                     {kOther, ObjectType::kBlob, {}}}));
  }
}

TEST_F(PackReaderTest, WhatAnEntryClaimsIsCheckedBeforeMemoryIsTaken) {
  Budget budget(64 << 20);
  ASSERT_OK_AND_ASSIGN(compressor, Compressor::create(budget, 3));
  ByteVector frame(Compressor::bound(1'000));
  ASSERT_OK_AND_ASSIGN(size, compressor.compress(ByteVector(1'000), frame));
  frame.resize(size);
  // More than a context has: were it taken first, this would be kLimitExceeded.
  for (const std::uint64_t claim :
       {std::uint64_t{999}, std::uint64_t{1'001}, std::uint64_t{1} << 30, std::uint64_t{1} << 60}) {
    PackDraft draft;
    draft.add({.id = kId, .size = claim}, frame);
    draft.add_raw(prefixed_id(1), ObjectType::kBlob, bytes_of("base"));
    draft.add_delta(kOther, prefixed_id(1), std::min(claim, kMaxDeltaObjectBytes),
                    append_program(4, "x"));
    for (const PackAccess access : {PackAccess::kMap, PackAccess::kRead}) {
      ASSERT_OK_AND_ASSIGN(pack, open(draft, access));
      for (const ObjectId& id : {kId, kOther}) {
        EXPECT_THAT(pack.get(id, context_), FailsWith(ErrorCode::kCorrupt, "offset")) << claim;
        EXPECT_THAT(pack.read(id, context_, [](Bytes) -> Result<void> { return {}; }),
                    FailsWith(ErrorCode::kCorrupt, "offset"));
      }
    }
  }
}

TEST_F(PackReaderTest, ARecordThatLeadsToAnotherEntryIsCorruptAndNeverAnAnswer) {
  PackDraft draft;
  const std::uint64_t first = draft.add_raw(kId, ObjectType::kBlob, bytes_of("one"));
  const std::uint64_t second = draft.add_raw(kOther, ObjectType::kBlob, bytes_of("two"));
  for (const std::uint64_t wrong :
       {first, second + 1, std::uint64_t{0}, std::uint64_t{15}, second + 1'000, UINT64_MAX}) {
    PackDraft bent = draft;
    bent.redirect(second, wrong);
    ASSERT_OK_AND_ASSIGN(pack, open(bent));
    EXPECT_THAT(pack.get(kOther, context_), FailsWith(ErrorCode::kCorrupt)) << wrong;
    EXPECT_THAT(pack.info(kOther, context_), FailsWith(ErrorCode::kCorrupt)) << wrong;
    EXPECT_THAT(pack.get(kId, context_), IsOk());
  }
}

TEST_F(PackReaderTest, ManyThreadsMayReadWithAContextEach) {
  const std::vector<TestObject> objects = make_objects(400, 1);
  ASSERT_OK_AND_ASSIGN(built, build_pack(objects));
  ASSERT_THAT(put_pack(files_, "/a.pack", built), IsOk());
  for (const PackAccess access : {PackAccess::kMap, PackAccess::kRead}) {
    ASSERT_OK_AND_ASSIGN(pack, open(access));
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        ReadContext context;
        for (std::size_t i = 0; i < objects.size(); ++i) {
          const TestObject& object = objects[(i * 7 + t * 101) % objects.size()];
          const auto got = pack.get(object.id, context);
          if (!got || !std::ranges::equal(got->payload, object.payload)) ++wrong;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
  }
}

TEST_F(PackReaderTest, OneContextServesManyPacks) {
  const std::vector<TestObject> some = make_objects(100, 1);
  std::vector<TestObject> others = some;
  for (TestObject& object : others) object.payload = noise(object.payload.size(), 5);
  ASSERT_OK_AND_ASSIGN(one, build_pack(some));
  ASSERT_OK_AND_ASSIGN(two, build_pack(others));
  ASSERT_THAT(put_pack(files_, "/a.pack", one), IsOk());
  ASSERT_THAT(put_pack(files_, "/b.pack", two), IsOk());
  ASSERT_OK_AND_ASSIGN(first, open(PackAccess::kRead));
  ASSERT_OK_AND_ASSIGN(
      second, PackReader::open("/b.pack", {.access = PackAccess::kRead, .file_system = &files_}));
  for (std::size_t i = 0; i < some.size(); ++i) {
    ASSERT_OK_AND_ASSIGN(from_first, first.get(some[i].id, context_));
    EXPECT_TRUE(std::ranges::equal(from_first.payload, some[i].payload));
    ASSERT_OK_AND_ASSIGN(from_second, second.get(some[i].id, context_));
    EXPECT_TRUE(std::ranges::equal(from_second.payload, others[i].payload));
  }
}

}  // namespace
}  // namespace bale
