// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What lanes and memory may change, and what they may not: the time, never a byte.

#include <algorithm>
#include <optional>

#include "bale/pack_builder.h"
#include "bale/pack_verifier.h"
#include "base/try.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_fixture.h"
#include "testing/test_bytes.h"

namespace bale {
namespace {

// Objects of every kind in an order drawn from `seed`: tiny, text, noise, in one piece and in many,
// above a frame and exactly some frames long, fed and added, deltas, flushes in between.
Result<void> add_everything(PackBuilder& builder, std::uint64_t seed) {
  TestRandom random(seed);
  std::optional<EntryHandle> base;
  for (std::uint64_t number = 0; number < 150; ++number) {
    const ObjectId id = test_id(IdKind::kContentHash, number);
    const std::size_t kind = random.below(40);
    std::size_t size = random.below(300);
    if (kind > 20) size = random.below(20'000);
    if (kind > 34) size = random.below(400'000);
    if (kind == 38) size = (1 << 20) + random.below(3 << 20);
    if (kind == 39) size = std::size_t{1 + random.below(3)} << 20;
    const ByteVector payload =
        random.below(3) == 0 ? noise(size, number) : text_bytes(random, size);
    switch (random.below(8)) {
      case 0: {
        TRY(builder.begin_object(IdKind::kContentHash, ObjectType::kTree, payload.size()));
        for (Bytes left = payload; !left.empty();) {
          const std::size_t piece = std::min(left.size(), 1 + random.below(700'000));
          TRY(builder.write(left.first(piece)));
          if (random.below(4) == 0) TRY_VOID(builder.flush());
          left = left.subspan(piece);
        }
        base = TRY(builder.end_object(id));
        break;
      }
      case 1: {
        const ByteVector program = bytes_of("\x28\xB5\x2F\xFDnot zstd, nor ever run");
        if (base && base->depth < 50) {
          base = TRY(builder.add_delta(id, *base, 1000 + number, program));
          break;
        }
        [[fallthrough]];
      }
      default:
        base = TRY(builder.add(id, ObjectType::kBlob, payload));
    }
    if (random.below(100) == 0) TRY_VOID(builder.flush());
  }
  return {};
}

Result<PackInMemory> build(std::uint64_t seed, const PackBuilderOptions& options) {
  PackBuilder builder = TRY(PackBuilder::in_memory(options));
  TRY(add_everything(builder, seed));
  return builder.finish_in_memory();
}

TEST(BuilderLanesTest, TheSameBytesForAnyLanesAndMemory) {
  for (const std::uint64_t seed : {1u, 2u}) {
    PackBuilderOptions options;
    options.work.lanes = 1;
    options.work.memory_bytes = 64 << 20;
    ASSERT_OK_AND_ASSIGN(one, build(seed, options));
    for (const std::size_t lanes : {2u, 5u}) {
      options.work.lanes = lanes;
      for (const std::uint64_t memory_bytes : {std::uint64_t{8} << 20, std::uint64_t{48} << 20}) {
        options.work.memory_bytes = memory_bytes;
        ASSERT_OK_AND_ASSIGN(many, build(seed, options));
        EXPECT_TRUE(one.pack == many.pack) << seed << ", " << lanes << " lanes";
        EXPECT_TRUE(one.index == many.index) << seed << ", " << lanes << " lanes";
        EXPECT_EQ(one.summary.bytes_stored, many.summary.bytes_stored);
        EXPECT_EQ(one.summary.name, many.summary.name);
      }
    }
  }
}

TEST(BuilderLanesTest, WithoutCompressionToo) {
  PackBuilderOptions options;
  options.compress = false;
  for (const std::size_t lanes : {1u, 4u}) {
    options.work.lanes = lanes;
    ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(options));
    for (std::uint64_t i = 0; i < 300; ++i) {
      ASSERT_THAT(builder.add(test_id(IdKind::kChangeId, i), ObjectType::kState, noise(i * i, i)),
                  IsOk());
    }
    ASSERT_OK_AND_ASSIGN(built, builder.finish_in_memory());
    EXPECT_EQ(built.summary.bytes_stored, built.summary.bytes_in);
    MemoryFileSystem files;
    ASSERT_THAT(put_pack(files, "/a.pack", built), IsOk());
    ASSERT_OK_AND_ASSIGN(report, verify_pack("/a.pack", {.work = {.file_system = &files}}));
    EXPECT_TRUE(report.ok());
  }
}

TEST(BuilderLanesTest, AnAbandonedBuilderWaitsForItsLanes) {
  for (std::uint64_t objects : {1u, 50u, 500u}) {
    PackBuilderOptions options;
    options.work.lanes = 3;
    ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(options));
    TestRandom random(objects);
    for (std::uint64_t i = 0; i < objects; ++i) {
      ASSERT_THAT(builder.add(test_id(IdKind::kContentHash, i), ObjectType::kBlob,
                              text_bytes(random, 5'000)),
                  IsOk());
    }
  }
}

TEST(BuilderLanesTest, AFailureOnALaneIsTheBuildersFirstError) {
  for (std::uint64_t operation = 0; operation < 12; ++operation) {
    MemoryFileSystem memory;
    FaultyFileSystem files(memory);
    PackBuilderOptions options;
    options.work.lanes = 3;
    options.work.file_system = &files;
    ASSERT_OK_AND_ASSIGN(builder, PackBuilder::create("/a.pack", options));
    files.inject({.operation = operation, .kinds = io_kinds({IoKind::kWrite})});
    // More than fits into the pipeline, so that adding has to notice.
    Result<void> added;
    for (std::uint64_t i = 0; i < 600 && added; ++i) {
      const auto handle =
          builder.add(test_id(IdKind::kContentHash, i), ObjectType::kBlob, noise(20'000, i));
      if (!handle) added = handle.error();
    }
    EXPECT_THAT(added, FailsWith(ErrorCode::kIo)) << operation;
    EXPECT_THAT(builder.finish(), FailsWith(ErrorCode::kIo));
    EXPECT_THAT(memory.stat("/a.pack"), FailsWith(ErrorCode::kNotFound));
  }
}

}  // namespace
}  // namespace bale
