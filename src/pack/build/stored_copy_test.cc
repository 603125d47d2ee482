// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Entries taken over from one pack into another as they are stored (PackBuilder::add_stored).

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "bale/pack_verifier.h"
#include "base/try.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_draft.h"
#include "testing/pack_fixture.h"
#include "testing/temp_directory.h"

namespace bale {
namespace {

ObjectId id_of(std::uint64_t number) {
  return test_id(IdKind::kContentHash, number);
}

std::vector<std::uint64_t> offsets_in(const PackReader& pack) {
  std::vector<std::uint64_t> offsets;
  for (std::uint64_t i = 0; i < pack.record_count(); ++i) {
    offsets.push_back(pack.record(i).value().offset);
  }
  std::sort(offsets.begin(), offsets.end());
  return offsets;
}

// Payloads of up to this size in one piece, others in many.
constexpr std::uint64_t kMostInOnePiece = 2'000;

Result<void> copy_entry(const PackReader& from, std::uint64_t offset, PackBuilder& to) {
  ReadContext context;
  const StoredEntry entry = TRY(from.stored_at(offset, kMostInOnePiece, context));
  if (entry.stored_size <= kMostInOnePiece) {
    TRY(to.add_stored(entry));
    return {};
  }
  TRY(to.begin_stored(entry));
  TRY(from.read_stored(offset, context, [&](Bytes piece) { return to.write(piece); }));
  TRY(to.end_stored());
  return {};
}

Result<void> copy_all(const PackReader& from, PackBuilder& to) {
  for (const std::uint64_t offset : offsets_in(from)) TRY(copy_entry(from, offset, to));
  return {};
}

// All ways to be stored: raw, compressed, in frames, above a frame and raw, deltas; each under
// both kinds of id where there may be both.
Result<PackInMemory> pack_of_all_kinds() {
  PackBuilder builder = TRY(PackBuilder::in_memory(test_options()));
  TRY(add_all(builder, make_objects(200, 7)));
  const ByteVector text = prose(9'000, 1);
  EntryHandle base = TRY(builder.add(id_of(1), ObjectType::kTree, text));
  std::size_t size = text.size();
  for (std::uint64_t number = 2; number < 6; ++number) {
    base = TRY(builder.add_delta(id_of(number), base, size + 50,
                                 append_program(size, std::string(50, 'x'))));
    size += 50;
  }
  TRY(builder.add(id_of(10), ObjectType::kBlob, prose(5 << 20, 2)));
  TRY(builder.add(test_id(IdKind::kChangeId, 11), ObjectType::kState, noise((3 << 20) + 5, 3)));
  TRY(builder.add(id_of(12), ObjectType::kBlob, prose(3'000, 4)));
  return builder.finish_in_memory();
}

class StoredCopyTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(source, pack_of_all_kinds());
    source_ = std::move(source);
    ASSERT_THAT(put_pack(files_, "/from.pack", source_), IsOk());
    ASSERT_OK_AND_ASSIGN(from, PackReader::open("/from.pack", {.file_system = &files_}));
    from_ = std::make_unique<PackReader>(std::move(from));
  }

  Result<PackInMemory> copy(const PackBuilderOptions& options) {
    PackBuilder builder = TRY(PackBuilder::in_memory(options));
    TRY(copy_all(*from_, builder));
    return builder.finish_in_memory();
  }

  MemoryFileSystem files_;
  PackInMemory source_;
  std::unique_ptr<PackReader> from_;
};

// What stands in both packs is equal, entry for entry.
void expect_same_entries(const PackReader& a, const PackReader& b) {
  const auto in_a = offsets_in(a);
  const auto in_b = offsets_in(b);
  ASSERT_EQ(in_a.size(), in_b.size());
  ReadContext context_a;
  ReadContext context_b;
  for (std::size_t i = 0; i < in_a.size(); ++i) {
    ASSERT_OK_AND_ASSIGN(one, a.stored_at(in_a[i], UINT64_MAX, context_a));
    ASSERT_OK_AND_ASSIGN(other, b.stored_at(in_b[i], UINT64_MAX, context_b));
    EXPECT_EQ(one.id, other.id);
    EXPECT_EQ(one.type, other.type);
    EXPECT_EQ(one.base, other.base);
    EXPECT_EQ(one.size, other.size);
    ASSERT_EQ(one.stored_size, other.stored_size);
    EXPECT_TRUE(std::equal(one.stored.begin(), one.stored.end(), other.stored.begin()));
  }
}

TEST_F(StoredCopyTest, EveryEntryOfABuiltPackIsTheSameInTheCopy) {
  for (const bool compress : {true, false}) {
    PackBuilderOptions options = test_options();
    options.compress = compress;
    ASSERT_OK_AND_ASSIGN(copied, copy(options));
    EXPECT_EQ(copied.summary.objects, source_.summary.objects);
    EXPECT_EQ(copied.summary.deltas, 4u);
    EXPECT_EQ(copied.summary.bytes_in, source_.summary.bytes_in);
    EXPECT_EQ(copied.summary.bytes_stored, source_.summary.bytes_stored);
    ASSERT_THAT(put_pack(files_, "/to.pack", copied), IsOk());
    ASSERT_OK_AND_ASSIGN(report, verify_pack("/to.pack", {.work = {.file_system = &files_}}));
    EXPECT_TRUE(report.ok());
    ASSERT_OK_AND_ASSIGN(to, PackReader::open("/to.pack", {.file_system = &files_}));
    expect_same_entries(*from_, to);
    EXPECT_THAT(read_pack(to), HoldsExactly(read_pack(*from_).value()));
  }
}

TEST_F(StoredCopyTest, TheSameBytesForAnyLanes) {
  PackBuilderOptions options = test_options();
  options.work.memory_bytes = 24 << 20;
  options.work.lanes = 1;
  ASSERT_OK_AND_ASSIGN(one, copy(options));
  for (const std::size_t lanes : {2u, 3u}) {
    options.work.lanes = lanes;
    ASSERT_OK_AND_ASSIGN(many, copy(options));
    EXPECT_EQ(many.pack, one.pack);
    EXPECT_EQ(many.index, one.index);
  }
}

class GoldenCopyTest : public testing::TestWithParam<const char*> {};

TEST_P(GoldenCopyTest, EveryEntryIsTheSameInTheCopy) {
  const TempDirectory directory;
  const std::string path = golden_path(GetParam(), std::string(GetParam()) + ".pack");
  ASSERT_OK_AND_ASSIGN(from, PackReader::open(path));
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::create(directory / "to.pack", test_options()));
  const auto copied = copy_all(from, builder);
  ASSERT_THAT(copied, IsOk());
  ASSERT_THAT(builder.finish(), IsOk());
  ASSERT_OK_AND_ASSIGN(report, verify_pack(directory / "to.pack"));
  EXPECT_TRUE(report.ok()) << report.errors.front().message;
  ASSERT_OK_AND_ASSIGN(to, PackReader::open(directory / "to.pack"));
  expect_same_entries(from, to);
  EXPECT_THAT(read_pack(to), HoldsExactly(read_pack(from).value()));
}

INSTANTIATE_TEST_SUITE_P(Packs, GoldenCopyTest,
                         testing::Values("deltas", "deltas-nocompress", "empty", "incompressible",
                                         "mixed", "mixed-level19"));

TEST_F(StoredCopyTest, ALargeProgramComesInPiecesToo) {
  PackDraft draft;
  draft.add_raw(id_of(1), ObjectType::kBlob, noise(100, 1));
  ByteVector program;
  const ByteVector literal = noise(128, 2);
  constexpr std::size_t kInserts = 12'000;
  for (std::size_t i = 0; i < kInserts; ++i) {
    program.push_back(std::byte{127});
    program.insert(program.end(), literal.begin(), literal.end());
  }
  const std::uint64_t offset = draft.add_delta(id_of(2), id_of(1), kInserts * 128, program);
  ASSERT_THAT(put_pack(files_, "/draft.pack", draft.pack(), draft.index()), IsOk());
  ASSERT_OK_AND_ASSIGN(from, PackReader::open("/draft.pack", {.file_system = &files_}));
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(test_options()));
  ASSERT_THAT(copy_all(from, builder), IsOk());
  ASSERT_OK_AND_ASSIGN(copied, builder.finish_in_memory());
  EXPECT_EQ(copied.summary.deltas, 1u);
  EXPECT_EQ(copied.pack, draft.pack());
  // Without its base it is refused, as small ones are.
  ASSERT_OK_AND_ASSIGN(without, PackBuilder::in_memory(test_options()));
  ASSERT_THAT(copy_entry(from, offset, without), IsOk());
  EXPECT_THAT(without.finish(), FailsWith(ErrorCode::kCorrupt, id_of(1).to_hex()));
}

TEST_F(StoredCopyTest, ADeltaWhoseBaseIsNotThereOrComesLaterFailsInTheEnd) {
  for (const bool base_comes_later : {false, true}) {
    ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(test_options()));
    ASSERT_THAT(copy_entry(*from_, *from_->find(id_of(2)), builder), IsOk());
    if (base_comes_later) {
      ASSERT_THAT(copy_entry(*from_, *from_->find(id_of(1)), builder), IsOk());
    }
    EXPECT_THAT(builder.finish(), FailsWith(ErrorCode::kCorrupt, id_of(1).to_hex()));
  }
}

TEST_F(StoredCopyTest, WhatMakesNoSenseIsRefused) {
  const ByteVector payload = noise(100, 1);
  const StoredEntry good{.id = id_of(1),
                         .type = ObjectType::kBlob,
                         .size = 100,
                         .stored_size = 100,
                         .stored = payload};
  const auto refused = [&](const StoredEntry& entry, const PackBuilderOptions& options) {
    ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(options));
    EXPECT_THAT(builder.add_stored(entry), FailsWith(ErrorCode::kInvalidArgument));
    EXPECT_THAT(builder.finish(), FailsWith(ErrorCode::kInvalidArgument));
  };
  StoredEntry absent = good;
  absent.stored = {};
  refused(absent, test_options());
  StoredEntry own_base = good;
  own_base.type.reset();
  own_base.base = own_base.id;
  refused(own_base, test_options());
  StoredEntry change_base = own_base;
  change_base.base = test_id(IdKind::kChangeId, 1);
  refused(change_base, test_options());
  StoredEntry huge_delta = own_base;
  huge_delta.base = id_of(2);
  huge_delta.size = (128 << 20) + 1;
  refused(huge_delta, test_options());
  PackBuilderOptions deltas = test_options();
  deltas.deltas = true;
  deltas.work.memory_bytes = 32 << 20;
  refused(good, deltas);
  StoredEntry huge = good;
  huge.size = (1 << 30) + 1;
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(test_options()));
  EXPECT_THAT(builder.add_stored(huge), FailsWith(ErrorCode::kLimitExceeded));
}

TEST_F(StoredCopyTest, ACopiedDeltaIsNoBaseAndACopiedObjectIs) {
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(test_options()));
  ReadContext context;
  ASSERT_OK_AND_ASSIGN(whole, from_->stored_at(*from_->find(id_of(1)), UINT64_MAX, context));
  ASSERT_OK_AND_ASSIGN(base, builder.add_stored(whole));
  EXPECT_EQ(base.type, ObjectType::kTree);
  ASSERT_THAT(builder.add_delta(id_of(20), base, 9'001, append_program(9'000, "y")), IsOk());
  ASSERT_OK_AND_ASSIGN(delta, from_->stored_at(*from_->find(id_of(2)), UINT64_MAX, context));
  ASSERT_OK_AND_ASSIGN(handle, builder.add_stored(delta));
  EXPECT_THAT(builder.add_delta(id_of(21), handle, 9'051, append_program(9'050, "y")),
              FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(StoredCopyTest, WhatIsFedMustBeEndedTheWayItWasBegun) {
  const auto begun = [&](bool stored) -> Result<PackBuilder> {
    PackBuilder builder = TRY(PackBuilder::in_memory(test_options()));
    if (stored) {
      TRY(builder.begin_stored(
          {.id = id_of(1), .type = ObjectType::kBlob, .size = 9, .stored_size = 3}));
    } else {
      TRY(builder.begin_object(IdKind::kContentHash, ObjectType::kBlob, 3));
    }
    TRY(builder.write(bytes_of("abc")));
    return builder;
  };
  ASSERT_OK_AND_ASSIGN(stored, begun(true));
  EXPECT_THAT(stored.end_object(id_of(1)), FailsWith(ErrorCode::kInvalidArgument));
  ASSERT_OK_AND_ASSIGN(object, begun(false));
  EXPECT_THAT(object.end_stored(), FailsWith(ErrorCode::kInvalidArgument));
  ASSERT_OK_AND_ASSIGN(longer, begun(true));
  EXPECT_THAT(longer.write(bytes_of("d")), FailsWith(ErrorCode::kInvalidArgument, "3 bytes"));
  ASSERT_OK_AND_ASSIGN(shorter, PackBuilder::in_memory(test_options()));
  ASSERT_THAT(
      shorter.begin_stored(
          {.id = id_of(1), .type = ObjectType::kBlob, .size = 3 << 20, .stored_size = 2 << 20}),
      IsOk());
  ASSERT_THAT(shorter.flush(), IsOk());
  EXPECT_THAT(shorter.end_stored(), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(StoredCopyTest, EveryOperationThatFailsFailsTheCopyAndLeavesNothing) {
  const auto copy_to = [&](FaultyFileSystem& files) -> Result<PackSummary> {
    PackBuilderOptions options = test_options();
    options.work.file_system = &files;
    PackBuilder builder = TRY(PackBuilder::create("/out/a.pack", options));
    TRY(copy_all(*from_, builder));
    return builder.finish();
  };
  std::uint64_t operation_count = 1;
  for (std::uint64_t n = 0; n <= operation_count; ++n) {
    MemoryFileSystem memory;
    FaultyFileSystem files(memory);
    ASSERT_THAT(memory.create_directory("/out"), IsOk());
    if (n == 0) {
      ASSERT_THAT(copy_to(files), IsOk());
      operation_count = files.counters().operations();
      continue;
    }
    files.inject({.operation = n - 1, .tears_writes = n % 2 == 0});
    EXPECT_THAT(copy_to(files), FailsWith(ErrorCode::kIo, "injected fault")) << n;
    EXPECT_TRUE(names_in(memory, "/out").value().empty()) << n;
  }
}

}  // namespace
}  // namespace bale
