// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What verifying and indexing report, and what they leave. Damage byte by byte is tested in
// pack_corruption_test.cc, failing disks in builder_faults_test.cc.

#include "bale/pack_verifier.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include "bale/pack_reader.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_draft.h"
#include "testing/pack_fixture.h"

namespace bale {
namespace {

class PackVerifierTest : public testing::Test {
 protected:
  Result<PackReport> verify() { return verify_pack("/a.pack", {.work = {.file_system = &files_}}); }

  // The messages of all errors, a line each.
  static std::string messages(const PackReport& report) {
    std::string all;
    for (const Error& error : report.errors) all += error.message + '\n';
    return all;
  }

  MemoryFileSystem files_;
};

TEST_F(PackVerifierTest, CountsWhatItHasSeen) {
  const std::vector<TestObject> objects = make_objects(500, 1);
  ASSERT_OK_AND_ASSIGN(built, build_pack(objects));
  ASSERT_THAT(put_pack(files_, "/a.pack", built), IsOk());
  ASSERT_OK_AND_ASSIGN(report, verify());
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.objects, 500u);
  EXPECT_EQ(report.bytes, built.summary.bytes_in);
}

TEST_F(PackVerifierTest, AMissingPackCannotBeCheckedAndAMissingIndexIsReported) {
  EXPECT_THAT(verify(), FailsWith(ErrorCode::kNotFound, "/a.pack"));
  ASSERT_OK_AND_ASSIGN(built, build_pack(make_objects(10, 1)));
  ASSERT_THAT(write_file(files_, "/a.pack", built.pack), IsOk());
  ASSERT_OK_AND_ASSIGN(report, verify());
  ASSERT_EQ(report.errors.size(), 1u);
  EXPECT_NE(messages(report).find("no index"), std::string::npos);
  EXPECT_EQ(report.objects, 10u);  // the rest was checked all the same
}

TEST_F(PackVerifierTest, ReportsEveryKindOfWrongRecord) {
  PackDraft draft;
  draft.add_raw(kId, ObjectType::kBlob, bytes_of("one"));
  const std::uint64_t second = draft.add_raw(kOther, ObjectType::kBlob, bytes_of("two"));
  draft.add_raw(prefixed_id(1), ObjectType::kBlob, bytes_of("three"));
  PackDraft bent = draft;
  bent.redirect(second, 16);
  ASSERT_THAT(put_pack(files_, "/a.pack", draft.pack(), bent.index()), IsOk());
  ASSERT_OK_AND_ASSIGN(misled, verify());
  EXPECT_NE(messages(misled).find("leads " + kOther.to_hex() + " to offset 16"), std::string::npos)
      << messages(misled);
  EXPECT_EQ(misled.bytes, 11u);  // every object was decoded, through an index of its own

  PackDraft more = draft;
  more.add_raw(prefixed_id(2), ObjectType::kBlob, bytes_of("four"));
  ASSERT_THAT(put_pack(files_, "/a.pack", more.pack(), draft.index(PackDraft::Trailer::kWithout)),
              IsOk());
  ASSERT_OK_AND_ASSIGN(missing, verify());
  EXPECT_NE(messages(missing).find(prefixed_id(2).to_hex() + " at offset"), std::string::npos);
  EXPECT_NE(messages(missing).find("3 records for a pack of 4 entries"), std::string::npos);
}

TEST_F(PackVerifierTest, ReportsEveryEntryThatCannotBeDecoded) {
  PackDraft draft;
  for (std::uint64_t i = 0; i < 1'200; ++i) {
    // Stored shorter than it is, and no zstd.
    draft.add({.id = prefixed_id(i), .size = 9}, bytes_of("damage"));
  }
  draft.add_raw(kId, ObjectType::kBlob, bytes_of("well"));
  ASSERT_THAT(put_pack(files_, "/a.pack", draft.pack(), draft.index()), IsOk());
  ASSERT_OK_AND_ASSIGN(report, verify());
  EXPECT_EQ(report.errors.size(), 1'000u);
  EXPECT_EQ(report.errors_omitted, 200u);
  EXPECT_EQ(report.objects, 1'201u);
  EXPECT_EQ(report.bytes, 4u);
  EXPECT_EQ(report.errors[0].code, ErrorCode::kCorrupt);
  EXPECT_NE(report.errors[0].message.find("offset 16"), std::string::npos);
}

TEST_F(PackVerifierTest, LeavesNoFilesAndChangesNone) {
  ASSERT_OK_AND_ASSIGN(built, build_pack(make_objects(100, 1)));
  built.index.back() ^= std::byte{1};
  ASSERT_THAT(put_pack(files_, "/a.pack", built), IsOk());
  FaultyFileSystem counting(files_);
  ASSERT_OK_AND_ASSIGN(report, verify_pack("/a.pack", {.work = {.file_system = &counting}}));
  EXPECT_EQ(report.errors.size(), 1u);
  EXPECT_EQ(counting.open_files(), 0u);
  ASSERT_OK_AND_ASSIGN(names, names_in(files_, "/"));
  EXPECT_EQ(names, (std::vector<std::string>{"a.idx", "a.pack"}));
}

TEST_F(PackVerifierTest, TooLittleMemoryIsRefusedAndTheLeastDoes) {
  ASSERT_OK_AND_ASSIGN(built, build_pack(make_objects(100, 1)));
  ASSERT_THAT(put_pack(files_, "/a.pack", built), IsOk());
  PackCheckOptions options{
      .work = {.memory_bytes = smallest_verify_pack_memory_bytes(), .file_system = &files_}};
  EXPECT_THAT(verify_pack("/a.pack", options), IsOk());
  EXPECT_THAT(make_index("/a.pack", options), IsOk());
  options.work.memory_bytes = smallest_verify_pack_memory_bytes() - 1;
  EXPECT_THAT(verify_pack("/a.pack", options),
              FailsWith(ErrorCode::kInvalidArgument, "at least 8M"));
  EXPECT_THAT(make_index("/a.pack", options),
              FailsWith(ErrorCode::kInvalidArgument, "at least 8M"));
}

TEST_F(PackVerifierTest, CanBeCancelledAndTellsHowFarItIs) {
  PackDraft draft;
  draft.add_raw(kId, ObjectType::kBlob, noise(100'000, 1));
  for (std::uint64_t i = 0; i < 100; ++i) {
    draft.add_delta(prefixed_id(i), kId, 1, {noise(1, 1)});
    draft.add_raw(test_id(IdKind::kChangeId, i), ObjectType::kBlob, noise(100'000, i));
  }
  ASSERT_THAT(put_pack(files_, "/a.pack", draft.pack(), draft.index()), IsOk());
  std::atomic<bool> cancel = false;
  std::vector<std::string> phases;
  PackCheckOptions options{.work = {.file_system = &files_}};
  options.work.operation.cancel = &cancel;
  options.work.operation.report = [&](const Progress& progress) {
    if (phases.empty() || phases.back() != progress.phase) phases.emplace_back(progress.phase);
    EXPECT_LE(progress.objects, progress.objects_total);
    EXPECT_LE(progress.bytes, progress.bytes_total);
  };
  ASSERT_THAT(verify_pack("/a.pack", options), IsOk());
  EXPECT_EQ(phases, (std::vector<std::string>{"checking the pack", "checking objects"}));
  options.work.operation.report = [&](const Progress& progress) {
    if (progress.phase == "checking objects") cancel = true;
  };
  EXPECT_THAT(verify_pack("/a.pack", options), FailsWith(ErrorCode::kInterrupted));
  EXPECT_THAT(make_index("/a.pack", options), FailsWith(ErrorCode::kInterrupted));
  cancel = false;
  options.work.operation.report = [&](const Progress& progress) {
    if (progress.phase == "checking the pack" && progress.objects > 0) cancel = true;
  };
  EXPECT_THAT(verify_pack("/a.pack", options), FailsWith(ErrorCode::kInterrupted));
}

TEST_F(PackVerifierTest, AnIndexMadeAnewIsTheOneThatTheBuilderMade) {
  std::vector<TestObject> objects = make_objects(1'000, 1);
  objects.push_back(objects[3]);
  objects.push_back(objects[4]);
  ASSERT_OK_AND_ASSIGN(built, build_pack(objects));
  ASSERT_THAT(put_pack(files_, "/a.pack", built.pack, bytes_of("an older index, and longer")),
              IsOk());
  ASSERT_OK_AND_ASSIGN(report, make_index("/a.pack", {.work = {.file_system = &files_}}));
  EXPECT_EQ(report.objects, 1'002u);
  EXPECT_EQ(report.duplicates, 2u);
  EXPECT_EQ(report.index_bytes, built.index.size());
  ASSERT_OK_AND_ASSIGN(index, read_file(files_, "/a.idx"));
  EXPECT_TRUE(index == built.index);
}

TEST_F(PackVerifierTest, OfAnotherWritersIndexARecordForEachDuplicateIsFine) {
  PackDraft draft;
  const std::uint64_t first = draft.add_raw(kId, ObjectType::kBlob, bytes_of("same"));
  const std::uint64_t second = draft.add_raw(kId, ObjectType::kBlob, bytes_of("same"));
  ByteVector index;
  const FileHeader header = encode_index_header(2);
  index.insert(index.end(), header.begin(), header.end());
  for (const std::uint64_t offset : {first, second}) {
    const SortRecord record = make_sort_record(kId, offset);
    index.insert(index.end(), record.begin(), record.end());
  }
  ASSERT_THAT(put_pack(files_, "/a.pack", draft.pack(), index), IsOk());
  ASSERT_OK_AND_ASSIGN(report, verify());
  EXPECT_TRUE(report.ok()) << messages(report);
  EXPECT_THAT(PackReader::open("/a.pack", {.file_system = &files_}), IsOk());
}

}  // namespace
}  // namespace bale
