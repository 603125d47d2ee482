// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What options do, what the summary says, and how a builder refuses what makes no sense.

#include <algorithm>
#include <atomic>
#include <vector>

#include "bale/pack_builder.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/memory_size.h"
#include "base/try.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_draft.h"
#include "testing/pack_fixture.h"

namespace bale {
namespace {

// Stored bytes of one payload under these options.
Result<std::uint64_t> stored_size(const ByteVector& payload, const PackBuilderOptions& options) {
  const PackInMemory built = TRY(build_pack({{kId, ObjectType::kBlob, payload}}, options));
  MemoryFileSystem files;
  TRY(put_pack(files, "/a.pack", built));
  const PackReader pack = TRY(PackReader::open("/a.pack", {.file_system = &files}));
  ReadContext context;
  const EntryInfo info = TRY(pack.info(kId, context));
  EXPECT_EQ(info.size, payload.size());
  EXPECT_EQ(info.stored_size, built.summary.bytes_stored);
  return info.stored_size;
}

TEST(BuilderOptionsTest, TheSmallestMemoryOfALevelThatThereIsNotIsThatOfTheNearest) {
  const auto smallest = [](int level) { return smallest_build_memory_bytes({.level = level}); };
  EXPECT_EQ(smallest(0), smallest(1));
  EXPECT_EQ(smallest(99), smallest(22));
}

TEST(BuilderOptionsTest, TheSummaryIsExact) {
  const ByteVector text = prose(5'000, 1);
  const ByteVector hiss = noise(3'000, 1);
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(test_options()));
  ASSERT_OK_AND_ASSIGN(base, builder.add(kId, ObjectType::kBlob, text));
  ASSERT_THAT(builder.add(kOther, ObjectType::kTree, hiss), IsOk());
  ASSERT_THAT(builder.add(kOther, ObjectType::kTree, hiss), IsOk());
  const ByteVector program = append_program(text.size(), "more");
  ASSERT_OK_AND_ASSIGN(
      delta, builder.add_delta(test_id(IdKind::kContentHash, 3), base, text.size() + 4, program));
  EXPECT_EQ(delta.ordinal, 3u);
  EXPECT_EQ(delta.depth, 1);
  ASSERT_OK_AND_ASSIGN(built, builder.finish_in_memory());
  ASSERT_OK_AND_ASSIGN(text_stored, stored_size(text, test_options()));
  const PackSummary& summary = built.summary;
  EXPECT_EQ(summary.objects, 4u);
  EXPECT_EQ(summary.duplicates, 1u);
  EXPECT_EQ(summary.deltas, 1u);
  EXPECT_EQ(summary.bytes_in, 5'000u + 3'000 + 3'000 + 5'004);
  EXPECT_EQ(summary.bytes_stored, text_stored + 3'000 + 3'000 + program.size());
  EXPECT_EQ(summary.pack_bytes, built.pack.size());
  EXPECT_EQ(summary.index_bytes, built.index.size());
  EXPECT_DOUBLE_EQ(summary.ratio(), static_cast<double>(summary.bytes_in) /
                                        static_cast<double>(summary.bytes_stored));
  EXPECT_EQ(summary.scratch_bytes, 0u);
}

TEST(BuilderOptionsTest, TheRatioOfAnEmptyPackIsZero) {
  ASSERT_OK_AND_ASSIGN(built, build_pack({}));
  EXPECT_EQ(built.summary.ratio(), 0);
  EXPECT_EQ(built.summary.bytes_in, 0u);
  ASSERT_OK_AND_ASSIGN(no_bytes, build_pack({{kId, ObjectType::kBlob, {}}}));
  EXPECT_EQ(no_bytes.summary.ratio(), 0);
}

TEST(BuilderOptionsTest, PayloadsBelowTheSmallestWorthCompressingAreStoredAsTheyCome) {
  const ByteVector zeros(300);
  PackBuilderOptions options = test_options();
  for (const std::uint64_t smallest : {0u, 1u, 256u, 299u, 300u}) {
    options.min_compress_bytes = smallest;
    ASSERT_OK_AND_ASSIGN(stored, stored_size(zeros, options));
    EXPECT_LT(stored, 40u) << smallest;
  }
  options.min_compress_bytes = 301;
  ASSERT_OK_AND_ASSIGN(raw, stored_size(zeros, options));
  EXPECT_EQ(raw, 300u);
  options.min_compress_bytes = UINT64_MAX;
  ASSERT_OK_AND_ASSIGN(large, stored_size(ByteVector(3 << 20), options));
  EXPECT_EQ(large, std::uint64_t{3} << 20);
}

TEST(BuilderOptionsTest, WithoutCompressionEverythingIsStoredAsItComes) {
  PackBuilderOptions options = test_options();
  options.compress = false;
  for (const std::size_t size : {std::size_t{256}, std::size_t{1} << 20, std::size_t{5} << 20}) {
    ASSERT_OK_AND_ASSIGN(stored, stored_size(ByteVector(size), options));
    EXPECT_EQ(stored, size);
  }
}

TEST(BuilderOptionsTest, AHigherLevelStoresLess) {
  PackBuilderOptions options = test_options();
  options.work.memory_bytes = 64 << 20;
  const ByteVector text = prose(200'000, 1);
  ASSERT_OK_AND_ASSIGN(low, stored_size(text, options));
  options.level = 19;
  ASSERT_OK_AND_ASSIGN(high, stored_size(text, options));
  EXPECT_LT(high, low);
}

TEST(BuilderOptionsTest, UnknownLevelsAreRefused) {
  PackBuilderOptions options = test_options();
  for (const int level : {-1, 0, 23}) {
    options.level = level;
    EXPECT_THAT(PackBuilder::in_memory(options),
                FailsWith(ErrorCode::kInvalidArgument, "compression level"));
  }
}

TEST(BuilderOptionsTest, TheSmallestMemoryDoesAndOneByteLessIsRefusedNamingIt) {
  PackBuilderOptions options = test_options();
  for (const bool compress : {false, true}) {
    options.compress = compress;
    for (const int level : {1, 3, 9, 19, 22}) {
      options.level = level;
      const std::uint64_t smallest = smallest_build_memory_bytes(options);
      options.work.memory_bytes = smallest;
      // All of it is taken at the beginning: what fits then never fails later.
      EXPECT_THAT(build_pack(make_objects(50, 1), options), IsOk()) << level;
      options.work.memory_bytes = smallest - 1;
      EXPECT_THAT(PackBuilder::in_memory(options),
                  FailsWith(ErrorCode::kInvalidArgument, memory_size(smallest)));
    }
  }
}

TEST(BuilderOptionsTest, ADeclaredCountThatIsExceededFailsAtOnce) {
  PackBuilderOptions options = test_options();
  options.declared_count = 1;
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(options));
  ASSERT_THAT(builder.add(kId, ObjectType::kBlob, {}), IsOk());
  EXPECT_THAT(builder.add(kOther, ObjectType::kBlob, {}),
              FailsWith(ErrorCode::kInvalidArgument, "expected 1 object"));
}

TEST(BuilderOptionsTest, DeclaredAndCountedPacksAreTheSame) {
  const std::vector<TestObject> objects = make_objects(500, 1);
  PackBuilderOptions options = test_options();
  ASSERT_OK_AND_ASSIGN(counted, build_pack(objects, options));
  options.declared_count = objects.size();
  ASSERT_OK_AND_ASSIGN(declared, build_pack(objects, options));
  EXPECT_TRUE(declared.pack == counted.pack);
  EXPECT_TRUE(declared.index == counted.index);
  EXPECT_EQ(load_be<std::uint64_t>(counted.pack.data() + 8), objects.size());
}

TEST(BuilderOptionsTest, ObjectsAboveOneGiBAreRefusedUnlessAllowed) {
  constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
  PackBuilderOptions options = test_options();
  for (const bool allow_huge : {false, true}) {
    options.allow_huge = allow_huge;
    ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(options));
    const auto begun = builder.begin_object(IdKind::kContentHash, ObjectType::kBlob, kGiB + 1);
    if (allow_huge) {
      EXPECT_THAT(begun, IsOk());
    } else {
      EXPECT_THAT(begun, FailsWith(ErrorCode::kLimitExceeded, "1 GiB"));
    }
    ASSERT_OK_AND_ASSIGN(another, PackBuilder::in_memory(options));
    EXPECT_THAT(another.begin_object(IdKind::kContentHash, ObjectType::kBlob, kGiB), IsOk());
  }
}

TEST(BuilderOptionsTest, CallsOutOfTurnAreRefusedAndTheFirstErrorStays) {
  const auto fresh = [] { return PackBuilder::in_memory(test_options()); };
  const ByteVector five = bytes_of("12345");
  {
    ASSERT_OK_AND_ASSIGN(builder, fresh());
    EXPECT_THAT(builder.write(five), FailsWith(ErrorCode::kInvalidArgument, "fed to no object"));
    // Everything fails from now on, with that same error.
    EXPECT_THAT(builder.add(kId, ObjectType::kBlob, five),
                FailsWith(ErrorCode::kInvalidArgument, "fed to no object"));
    EXPECT_THAT(builder.flush(), FailsWith(ErrorCode::kInvalidArgument, "fed to no object"));
    EXPECT_THAT(builder.finish_in_memory(),
                FailsWith(ErrorCode::kInvalidArgument, "fed to no object"));
  }
  {
    ASSERT_OK_AND_ASSIGN(builder, fresh());
    EXPECT_THAT(builder.end_object(kId), FailsWith(ErrorCode::kInvalidArgument));
  }
  for (const std::uint64_t size : {std::uint64_t{5}, std::uint64_t{300}, std::uint64_t{2} << 20}) {
    // Raw, staged and framed payloads.
    ASSERT_OK_AND_ASSIGN(too_long, fresh());
    ASSERT_THAT(too_long.begin_object(IdKind::kContentHash, ObjectType::kBlob, size), IsOk());
    ASSERT_THAT(too_long.write(ByteVector(size)), IsOk());
    EXPECT_THAT(too_long.write(ByteVector(1)),
                FailsWith(ErrorCode::kInvalidArgument, "was declared with"));
    ASSERT_OK_AND_ASSIGN(too_short, fresh());
    ASSERT_THAT(too_short.begin_object(IdKind::kContentHash, ObjectType::kBlob, size), IsOk());
    ASSERT_THAT(too_short.write(ByteVector(size - 1)), IsOk());
    EXPECT_THAT(too_short.end_object(kId),
                FailsWith(ErrorCode::kInvalidArgument, "was declared with"));
    ASSERT_OK_AND_ASSIGN(other_kind, fresh());
    ASSERT_THAT(other_kind.begin_object(IdKind::kChangeId, ObjectType::kBlob, size), IsOk());
    ASSERT_THAT(other_kind.write(ByteVector(size)), IsOk());
    EXPECT_THAT(other_kind.end_object(kId),
                FailsWith(ErrorCode::kInvalidArgument, "other kind of id"));
    ASSERT_OK_AND_ASSIGN(between, fresh());
    ASSERT_THAT(between.begin_object(IdKind::kContentHash, ObjectType::kBlob, size), IsOk());
    EXPECT_THAT(between.add(kId, ObjectType::kBlob, five), FailsWith(ErrorCode::kInvalidArgument));
    ASSERT_OK_AND_ASSIGN(unfinished, fresh());
    ASSERT_THAT(unfinished.begin_object(IdKind::kContentHash, ObjectType::kBlob, size), IsOk());
    EXPECT_THAT(unfinished.finish(), FailsWith(ErrorCode::kInvalidArgument));
  }
}

TEST(BuilderOptionsTest, AFinishedBuilderIsUsedUp) {
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(test_options()));
  ASSERT_THAT(builder.finish(), IsOk());
  EXPECT_THAT(builder.add(kId, ObjectType::kBlob, {}), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(builder.finish(), FailsWith(ErrorCode::kInvalidArgument, "has finished"));
}

TEST(BuilderOptionsTest, EveryEntryIsToldAboutInTheOrderOfThePack) {
  const std::vector<TestObject> objects = make_objects(100, 1);
  PackBuilderOptions options = test_options();
  std::vector<EntryPosition> told;
  options.on_entry = [&told](const EntryPosition& position) -> Result<void> {
    told.push_back(position);
    return {};
  };
  ASSERT_OK_AND_ASSIGN(built, build_pack(objects, options));
  MemoryFileSystem files;
  ASSERT_THAT(put_pack(files, "/a.pack", built), IsOk());
  ASSERT_OK_AND_ASSIGN(pack, PackReader::open("/a.pack", {.file_system = &files}));
  ASSERT_EQ(told.size(), objects.size());
  for (std::size_t i = 0; i < told.size(); ++i) {
    EXPECT_EQ(told[i].ordinal, i);
    EXPECT_EQ(pack.find(objects[i].id), told[i].offset);
    EXPECT_TRUE(i == 0 || told[i - 1].offset < told[i].offset);
  }
}

TEST(BuilderOptionsTest, AnErrorOfOnEntryFailsTheBuilder) {
  PackBuilderOptions options = test_options();
  options.on_entry = [](const EntryPosition&) -> Result<void> {
    return fail(ErrorCode::kNotFound, "no thanks");
  };
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(options));
  ASSERT_THAT(builder.add(kId, ObjectType::kBlob, {}), IsOk());
  EXPECT_THAT(builder.flush(), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(builder.finish(), FailsWith(ErrorCode::kNotFound, "no thanks"));
}

TEST(BuilderOptionsTest, ACancelledBuilderIsInterrupted) {
  std::atomic<bool> cancel = false;
  PackBuilderOptions options = test_options();
  options.work.operation.cancel = &cancel;
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(options));
  ASSERT_THAT(builder.begin_object(IdKind::kContentHash, ObjectType::kBlob, 2 << 20), IsOk());
  cancel = true;
  EXPECT_THAT(builder.write(ByteVector(2 << 20)), FailsWith(ErrorCode::kInterrupted));
  cancel = false;
  EXPECT_THAT(builder.finish(), FailsWith(ErrorCode::kInterrupted));
}

TEST(BuilderOptionsTest, BuildingInMemoryIsLimitedByTheSortBufferAlone) {
  PackBuilderOptions options = test_options();
  options.compress = false;
  options.work.memory_bytes = smallest_build_memory_bytes(options);
  // A scratch directory that is there on the disk, not in the builder's memory.
  for (const char* scratch : {"", "/tmp"}) {
    options.scratch_directory = scratch;
    EXPECT_THAT(build_pack(make_objects(6'000, 1), options), IsOk());
    EXPECT_THAT(build_pack(make_objects(7'000, 1), options),
                FailsWith(ErrorCode::kLimitExceeded, "allow more memory"));
  }
}

TEST(BuilderOptionsTest, TheIndexIsLookedForBesideThePack) {
  EXPECT_EQ(default_index_path("/a/b.pack"), "/a/b.idx");
  EXPECT_EQ(default_index_path("b.bin"), "b.bin.idx");
  EXPECT_EQ(default_index_path(".pack"), ".pack.idx");
}

}  // namespace
}  // namespace bale
