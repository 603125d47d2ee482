// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The thirteen ways in which writers and readers of this format have gone wrong (doc/FORMAT.md,
// section 5), a test each and in their order. Two are tested with more than one pack, and more of
// numbers 8 and 13 stands in memory_test.cc and builder_kill_test.cc.

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "bale/pack_builder.h"
#include "bale/pack_reader.h"
#include "bale/pack_verifier.h"
#include "base/endian.h"
#include "base/try.h"
#include "codec/delta_encoder.h"
#include "codec/zstd.h"
#include "scratch/external_sorter.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_draft.h"
#include "testing/pack_fixture.h"

namespace bale {
namespace {

class FormatTrapsTest : public testing::Test {
 protected:
  // Builds these objects and expects them back.
  void expect_round_trip(const std::vector<TestObject>& objects,
                         const PackBuilderOptions& options = test_options()) {
    ASSERT_OK_AND_ASSIGN(built, build_pack(objects, options));
    ASSERT_THAT(put_pack(files_, "/a.pack", built), IsOk());
    for (const PackAccess access : {PackAccess::kMap, PackAccess::kRead}) {
      EXPECT_THAT(read_pack(files_, "/a.pack", access), HoldsExactly(objects));
    }
  }

  // A program that rebuilds an object from its base.
  static ByteVector program_for(const ByteVector& base, const ByteVector& target) {
    Budget budget(std::uint64_t{256} << 20);
    auto encoder = DeltaEncoder::create(budget, base.size());
    EXPECT_THAT(encoder, IsOk());
    encoder->index(base);
    ByteVector program(DeltaEncoder::bound(target.size()));
    const auto size = encoder->encode(target, program);
    EXPECT_TRUE(size.has_value());
    program.resize(size.value_or(0));
    return program;
  }

  MemoryFileSystem files_;
  ReadContext context_;
};

TEST_F(FormatTrapsTest, Trap01CompressedPayloadsAsLongAsTheirObjectsReadBack) {
  Budget budget(64 << 20);
  ASSERT_OK_AND_ASSIGN(compressor, Compressor::create(budget, 3));
  ByteVector out(Compressor::bound(kFrameBytes));
  const auto frame_bytes = [&](Bytes content) {
    const auto size = compressor.compress(content, out);
    EXPECT_THAT(size, IsOk());
    return *size;
  };
  PackBuilderOptions options = test_options();
  options.min_compress_bytes = 0;
  // Noise that zeros follow: with just so many, a frame is as long as its content.
  const ByteVector hiss = noise(300, 1);
  const auto padded = [&](std::size_t zeros) {
    ByteVector payload = hiss;
    payload.resize(hiss.size() + zeros);
    return payload;
  };
  std::optional<ByteVector> one_frame;
  for (std::size_t zeros = 0; zeros < 100 && !one_frame; ++zeros) {
    if (frame_bytes(padded(zeros)) == hiss.size() + zeros) one_frame = padded(zeros);
  }
  ASSERT_TRUE(one_frame.has_value());
  expect_round_trip({{kId, ObjectType::kTree, *one_frame}}, options);

  // The same of two frames, which are written before their sum is known.
  ByteVector large = noise(kFrameBytes, 2);
  const std::size_t first_bytes = frame_bytes(large);
  std::optional<ByteVector> two_frames;
  for (std::size_t zeros = 0; zeros < 300 && !two_frames; ++zeros) {
    const ByteVector tail = padded(zeros);
    if (first_bytes + frame_bytes(tail) != kFrameBytes + tail.size()) continue;
    large.insert(large.end(), tail.begin(), tail.end());
    two_frames = large;
  }
  ASSERT_TRUE(two_frames.has_value());
  expect_round_trip({{kId, ObjectType::kTree, *two_frames}}, options);
  ASSERT_OK_AND_ASSIGN(pack, PackReader::open("/a.pack", {.file_system = &files_}));
  ASSERT_OK_AND_ASSIGN(info, pack.info(kId, context_));
  EXPECT_EQ(info.stored_size, info.size + kEmptySkippableFrame.size());
}

TEST_F(FormatTrapsTest, Trap02AProgramThatLooksLikeZstdReadsBack) {
  // An insert of 41 bytes, the first of which are the rest of zstd's magic number.
  ByteVector object = bytes_of("\xb5\x2f\xfd followed by thirty-eight more bytes...");
  ASSERT_EQ(object.size(), 41u + 1);
  object.pop_back();
  ByteVector program = {std::byte{0x28}};
  program.insert(program.end(), object.begin(), object.end());
  ASSERT_TRUE(starts_with_zstd_magic(program));
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(test_options()));
  ASSERT_OK_AND_ASSIGN(base, builder.add(kId, ObjectType::kBlob, bytes_of("base")));
  ASSERT_THAT(builder.add_delta(kOther, base, object.size(), program), IsOk());
  ASSERT_OK_AND_ASSIGN(built, builder.finish_in_memory());
  ASSERT_THAT(put_pack(files_, "/a.pack", built), IsOk());
  ASSERT_OK_AND_ASSIGN(pack, PackReader::open("/a.pack", {.file_system = &files_}));
  ASSERT_OK_AND_ASSIGN(got, pack.get(kOther, context_));
  EXPECT_TRUE(std::ranges::equal(got.payload, object));
  // Where nothing may be compressed it cannot be stored, and is refused.
  PackBuilderOptions raw = test_options();
  raw.compress = false;
  ASSERT_OK_AND_ASSIGN(refusing, PackBuilder::in_memory(raw));
  ASSERT_OK_AND_ASSIGN(raw_base, refusing.add(kId, ObjectType::kBlob, bytes_of("base")));
  EXPECT_THAT(refusing.add_delta(kOther, raw_base, object.size(), program),
              FailsWith(ErrorCode::kInvalidArgument, "looks like zstd"));
}

TEST_F(FormatTrapsTest, Trap03CopiesOfSixteenMiBAndMoreReadBack) {
  ByteVector base = noise(1 << 20, 1);
  base.resize((std::size_t{17} << 20) + 5);
  ByteVector object = base;
  object.push_back(std::byte{1});
  const ByteVector program = program_for(base, object);
  EXPECT_LT(program.size(), 4'000u);
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(test_options()));
  ASSERT_OK_AND_ASSIGN(handle, builder.add(kId, ObjectType::kBlob, base));
  ASSERT_THAT(builder.add_delta(kOther, handle, object.size(), program), IsOk());
  ASSERT_OK_AND_ASSIGN(built, builder.finish_in_memory());
  ASSERT_THAT(put_pack(files_, "/a.pack", built), IsOk());
  ASSERT_OK_AND_ASSIGN(pack, PackReader::open("/a.pack", {.file_system = &files_}));
  ReadContext large(64 << 20);
  ASSERT_OK_AND_ASSIGN(got, pack.get(kOther, large));
  EXPECT_TRUE(std::ranges::equal(got.payload, object));
}

TEST_F(FormatTrapsTest, Trap04AnIdAddedTwiceIsNeverADeltaAgainstItself) {
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(test_options()));
  ASSERT_OK_AND_ASSIGN(first, builder.add(kId, ObjectType::kBlob, bytes_of("one")));
  EXPECT_THAT(builder.add_delta(kId, first, 3, append_program(3, "")),
              FailsWith(ErrorCode::kInvalidArgument, "another object"));
  // Nor does a pack in which it is one lead a reader round and round.
  PackDraft draft;
  draft.add_raw(kId, ObjectType::kBlob, bytes_of("one"));
  const std::uint64_t second = draft.add_delta(kId, kId, 3, append_program(3, ""));
  ASSERT_THAT(put_pack(files_, "/a.pack", draft.pack(), draft.index()), IsOk());
  ASSERT_OK_AND_ASSIGN(pack, PackReader::open("/a.pack", {.file_system = &files_}));
  ASSERT_OK_AND_ASSIGN(object, pack.get(kId, context_));
  EXPECT_EQ(as_text(object.payload), "one");
  EXPECT_THAT(pack.get_at(second, context_), IsOk());
  // An index that leads to the second entry makes a circle of it.
  PackDraft bent = draft;
  bent.redirect(16, second);
  ASSERT_THAT(put_pack(files_, "/a.pack", bent.pack(), bent.index()), IsOk());
  ASSERT_OK_AND_ASSIGN(circle, PackReader::open("/a.pack", {.file_system = &files_}));
  EXPECT_THAT(circle.get(kId, context_), FailsWith(ErrorCode::kCorrupt, "too long"));
}

TEST_F(FormatTrapsTest, Trap05AWriterThatHasFailedOnceFailsForGood) {
  FaultyFileSystem faulty(files_);
  PackBuilderOptions options = test_options();
  options.compress = false;
  options.work.file_system = &faulty;
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::create("/a.pack", options));
  faulty.inject({.operation = 0, .kinds = io_kinds({IoKind::kWrite})});
  // A lane writes it: the failure shows in this call or in a later one, at the latest in flush().
  static_cast<void>(builder.add(kId, ObjectType::kBlob, noise(600'000, 1)).has_value());
  EXPECT_THAT(builder.flush(), FailsWith(ErrorCode::kIo));
  // The disk is well again, and the hole is still there.
  EXPECT_THAT(builder.add(kOther, ObjectType::kBlob, {}), FailsWith(ErrorCode::kIo));
  EXPECT_THAT(builder.finish(), FailsWith(ErrorCode::kIo));
  EXPECT_THAT(files_.stat("/a.pack"), FailsWith(ErrorCode::kNotFound));
}

TEST_F(FormatTrapsTest, Trap06WhatAReaderWouldRefuseIsNotWritten) {
  const auto fresh = [] { return PackBuilder::in_memory(test_options()); };
  ASSERT_OK_AND_ASSIGN(too_large, fresh());
  EXPECT_THAT(
      too_large.begin_object(IdKind::kContentHash, ObjectType::kBlob, (std::uint64_t{1} << 30) + 1),
      FailsWith(ErrorCode::kLimitExceeded, "1 GiB"));
  ASSERT_OK_AND_ASSIGN(large_delta, fresh());
  ASSERT_OK_AND_ASSIGN(base, large_delta.add(kId, ObjectType::kBlob, {}));
  EXPECT_THAT(large_delta.add_delta(kOther, base, (std::uint64_t{1} << 27) + 1, {}),
              FailsWith(ErrorCode::kInvalidArgument, "128 MiB"));
  ASSERT_OK_AND_ASSIGN(no_base, fresh());
  ASSERT_THAT(no_base.add(kOther, ObjectType::kBlob, {}), IsOk());
  ASSERT_THAT(no_base.add_delta(prefixed_id(1), base, 1, append_program(0, "x")), IsOk());
  EXPECT_THAT(no_base.finish(), FailsWith(ErrorCode::kCorrupt, "not in the pack"));
}

TEST_F(FormatTrapsTest, Trap07AnOlderAndLongerFileLeavesNoTail) {
  ASSERT_THAT(write_file(files_, "/a.pack", noise(100'000, 1)), IsOk());
  ASSERT_THAT(write_file(files_, "/a.pack.part", noise(100'000, 2)), IsOk());
  ASSERT_THAT(write_file(files_, "/a.idx", noise(100'000, 3)), IsOk());
  PackBuilderOptions options = test_options();
  options.work.file_system = &files_;
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::create("/a.pack", options));
  ASSERT_THAT(builder.add(kId, ObjectType::kBlob, bytes_of("short")), IsOk());
  ASSERT_THAT(builder.finish(), IsOk());
  ASSERT_OK_AND_ASSIGN(built, build_pack({{kId, ObjectType::kBlob, bytes_of("short")}}));
  ASSERT_OK_AND_ASSIGN(pack, read_file(files_, "/a.pack"));
  ASSERT_OK_AND_ASSIGN(index, read_file(files_, "/a.idx"));
  EXPECT_TRUE(pack == built.pack);
  EXPECT_TRUE(index == built.index);
}

TEST_F(FormatTrapsTest, Trap08IdsThatShareTheirFirstBytesSortInTheSameMemory) {
  PackBuilderOptions options = test_options();
  options.compress = false;
  options.work.memory_bytes = smallest_build_memory_bytes(options);
  options.work.file_system = &files_;
  std::vector<std::uint64_t> scratch_bytes;
  for (const bool prefixed : {false, true}) {
    ASSERT_OK_AND_ASSIGN(builder, PackBuilder::create("/a.pack", options));
    for (std::uint64_t i = 0; i < 30'000; ++i) {
      const ObjectId id = prefixed ? prefixed_id(i) : test_id(IdKind::kContentHash, i);
      ASSERT_THAT(builder.add(id, ObjectType::kBlob, {}), IsOk());
    }
    ASSERT_OK_AND_ASSIGN(summary, builder.finish());
    scratch_bytes.push_back(summary.scratch_bytes);
  }
  // Every record once: what the ids are makes no difference.
  EXPECT_EQ(scratch_bytes[0], 30'000u * 41);
  EXPECT_EQ(scratch_bytes[1], scratch_bytes[0]);
}

TEST_F(FormatTrapsTest, Trap09ACountInTheIndexThatIsTooLowIsNoticed) {
  // 16 records less and the same bytes: 25 more are taken for hashes. The worst case there is.
  std::vector<TestObject> objects;
  for (std::uint64_t i = 0; i < 20; ++i) {
    objects.push_back({test_id(IdKind::kContentHash, i), ObjectType::kBlob, {}});
  }
  for (std::uint64_t i = 0; i < 60; ++i) {
    objects.push_back({test_id(IdKind::kChangeId, i), ObjectType::kState, {}});
  }
  ASSERT_OK_AND_ASSIGN(built, build_pack(objects));
  for (const std::uint64_t count : {std::uint64_t{0}, std::uint64_t{64}, std::uint64_t{79}}) {
    ByteVector index = built.index;
    store_be(index.data() + 8, count);
    ASSERT_THAT(put_pack(files_, "/a.pack", built.pack, index), IsOk());
    ASSERT_OK_AND_ASSIGN(report, verify_pack("/a.pack", {.work = {.file_system = &files_}}));
    EXPECT_FALSE(report.ok()) << count;
    // Without the trailer opening notices too: the pack knows better.
    index.erase(index.end() - 72, index.end());
    ASSERT_THAT(put_pack(files_, "/a.pack", built.pack, index), IsOk());
    EXPECT_THAT(PackReader::open("/a.pack", {.file_system = &files_}),
                FailsWith(ErrorCode::kCorrupt, "/a.idx"));
  }
}

TEST_F(FormatTrapsTest, Trap10OpeningDoesNotHashThePack) {
  ASSERT_OK_AND_ASSIGN(built, build_pack({{kId, ObjectType::kBlob, noise(2 << 20, 1)}}));
  built.pack[1'000'000] ^= std::byte{1};
  ASSERT_THAT(put_pack(files_, "/a.pack", built), IsOk());
  FaultyFileSystem counting(files_);
  EXPECT_THAT(PackReader::open("/a.pack", {.file_system = &counting}), IsOk());
  EXPECT_EQ(counting.counters().bytes_read, 48u);
  ASSERT_OK_AND_ASSIGN(report, verify_pack("/a.pack", {.work = {.file_system = &files_}}));
  EXPECT_FALSE(report.ok());
}

TEST_F(FormatTrapsTest, Trap11TheSameObjectsGiveTheSameBytes) {
  const std::vector<TestObject> objects = make_objects(3'000, 1);
  ASSERT_OK_AND_ASSIGN(first, build_pack(objects));
  for (int round = 0; round < 3; ++round) {
    ASSERT_OK_AND_ASSIGN(again, build_pack(objects));
    EXPECT_TRUE(again.pack == first.pack && again.index == first.index);
    EXPECT_EQ(again.summary.name, first.summary.name);
  }
}

TEST_F(FormatTrapsTest, Trap12DeltasOfZerosAreMadeInTimeLinearInTheirLength) {
  // Quadratic, this would not end before the test's time limit.
  const ByteVector base(8 << 20);
  const ByteVector object((8 << 20) - 1);
  const ByteVector program = program_for(base, object);
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(test_options()));
  ASSERT_OK_AND_ASSIGN(handle, builder.add(kId, ObjectType::kBlob, base));
  ASSERT_THAT(builder.add_delta(kOther, handle, object.size(), program), IsOk());
  ASSERT_OK_AND_ASSIGN(built, builder.finish_in_memory());
  ASSERT_THAT(put_pack(files_, "/a.pack", built), IsOk());
  EXPECT_THAT(read_pack(files_, "/a.pack", PackAccess::kMap),
              HoldsExactly(std::vector<TestObject>{{kId, ObjectType::kBlob, base},
                                                   {kOther, ObjectType::kBlob, object}}));
}

TEST_F(FormatTrapsTest, Trap13NothingHalfStandsUnderAFinalName) {
  PackBuilderOptions options = test_options();
  options.compress = false;
  options.work.memory_bytes = smallest_build_memory_bytes(options);
  options.work.file_system = &files_;
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::create("/a.pack", options));
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    ASSERT_THAT(builder.add(prefixed_id(i), ObjectType::kBlob, {}), IsOk());
  }
  // The scratch file has no name, nor has the index.
  ASSERT_OK_AND_ASSIGN(during, names_in(files_, "/"));
  EXPECT_EQ(during, std::vector<std::string>{"a.pack.part"});
  ASSERT_THAT(builder.finish(), IsOk());
  ASSERT_OK_AND_ASSIGN(after, names_in(files_, "/"));
  EXPECT_EQ(after, (std::vector<std::string>{"a.idx", "a.pack"}));
}

}  // namespace
}  // namespace bale
