// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Which files there are while a builder works, after it has finished, failed or been dropped, and
// after the power was cut.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <vector>

#include "bale/pack_builder.h"
#include "bale/pack_verifier.h"
#include "base/endian.h"
#include "base/try.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_fixture.h"
#include "testing/temp_directory.h"

namespace bale {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string kFilesPack = "/out/a.pack";

class BuilderFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(memory_.create_directory("/out"), IsOk());
    options_.work.file_system = &files_;
  }

  std::vector<std::string> names() {
    const auto names = names_in(memory_, "/out");
    return names ? *names : std::vector<std::string>{"(no directory)"};
  }

  // Two files that are no pack, longer than what will replace them.
  void put_older_files() {
    ASSERT_THAT(write_file(memory_, kFilesPack, noise(500'000, 1)), IsOk());
    ASSERT_THAT(write_file(memory_, "/out/a.idx", noise(500'000, 2)), IsOk());
  }

  void expect_older_files() {
    ASSERT_OK_AND_ASSIGN(pack, read_file(memory_, kFilesPack));
    ASSERT_OK_AND_ASSIGN(index, read_file(memory_, "/out/a.idx"));
    EXPECT_TRUE(pack == noise(500'000, 1));
    EXPECT_TRUE(index == noise(500'000, 2));
  }

  MemoryFileSystem memory_;
  FaultyFileSystem files_{memory_};
  PackBuilderOptions options_ = test_options();
  std::vector<TestObject> objects_ = make_objects(300, 1);
};

TEST_F(BuilderFilesTest, OnlyThePartIsThereUntilFinishAndThenPackAndIndex) {
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::create(kFilesPack, options_));
  ASSERT_THAT(add_all(builder, objects_), IsOk());
  EXPECT_THAT(names(), ElementsAre("a.pack.part"));
  ASSERT_THAT(builder.finish(), IsOk());
  EXPECT_THAT(names(), ElementsAre("a.idx", "a.pack"));
  EXPECT_THAT(read_pack(memory_, kFilesPack, PackAccess::kMap), HoldsExactly(objects_));
}

TEST_F(BuilderFilesTest, TheIndexGoesWhereItIsWanted) {
  ASSERT_THAT(memory_.create_directory("/out/deep"), IsOk());
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::create(kFilesPack, options_, "/out/deep/i"));
  ASSERT_THAT(add_all(builder, objects_), IsOk());
  ASSERT_THAT(builder.finish(), IsOk());
  EXPECT_THAT(names(), ElementsAre("a.pack", "deep"));
  ASSERT_OK_AND_ASSIGN(
      pack, PackReader::open(kFilesPack, {.index_path = "/out/deep/i", .file_system = &memory_}));
  EXPECT_THAT(read_pack(pack), HoldsExactly(objects_));
}

TEST_F(BuilderFilesTest, AnOlderIndexOnAnotherFileSystemIsReplaced) {
  // A rename cannot go from one to the other. Here they are two where the machine has two.
  const TempDirectory directory;
  std::string other = "/dev/shm/bale-test-XXXXXX";
  if (::mkdtemp(other.data()) == nullptr) GTEST_SKIP() << "there is no /dev/shm to write to";
  const std::string index_path = other + "/a.idx";
  const std::string path = directory / "a.pack";
  options_.work.file_system = nullptr;
  for (int round = 0; round < 2; ++round) {
    auto builder = PackBuilder::create(path, options_, index_path);
    ASSERT_THAT(builder, IsOk());
    ASSERT_THAT(add_all(*builder, objects_), IsOk());
    EXPECT_THAT(builder->finish(), IsOk());
    const auto pack = PackReader::open(path, {.index_path = index_path});
    ASSERT_THAT(pack, IsOk());
    EXPECT_THAT(read_pack(*pack), HoldsExactly(objects_));
  }
  ASSERT_OK_AND_ASSIGN(left, names_in(posix_file_system(), other));
  EXPECT_THAT(left, ElementsAre("a.idx"));
  std::filesystem::remove_all(other);
}

TEST_F(BuilderFilesTest, PackAndIndexMayNotBeOneFile) {
  EXPECT_THAT(PackBuilder::create(kFilesPack, options_, kFilesPack),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(BuilderFilesTest, DroppingAnUnfinishedBuilderLeavesNothing) {
  {
    ASSERT_OK_AND_ASSIGN(builder, PackBuilder::create(kFilesPack, options_));
    ASSERT_THAT(add_all(builder, objects_), IsOk());
    ASSERT_THAT(builder.flush(), IsOk());
  }
  EXPECT_THAT(names(), IsEmpty());
  EXPECT_EQ(files_.open_files(), 0u);
}

TEST_F(BuilderFilesTest, ACountThatDoesNotComeTrueLeavesNothingAndSaysBothNumbers) {
  put_older_files();
  {
    options_.declared_count = 301;
    ASSERT_OK_AND_ASSIGN(builder, PackBuilder::create(kFilesPack, options_));
    ASSERT_THAT(add_all(builder, objects_), IsOk());
    EXPECT_THAT(builder.finish(),
                FailsWith(ErrorCode::kInvalidArgument, "expected 301 objects, and 300 came"));
    expect_older_files();
  }
  EXPECT_THAT(names(), ElementsAre("a.idx", "a.pack"));
  expect_older_files();
}

TEST_F(BuilderFilesTest, OlderFilesAreReplacedAtSuccessAndOnlyThen) {
  put_older_files();
  ASSERT_THAT(write_file(memory_, "/out/a.pack.part", noise(900'000, 3)), IsOk());
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::create(kFilesPack, options_));
  ASSERT_THAT(add_all(builder, objects_), IsOk());
  expect_older_files();
  ASSERT_OK_AND_ASSIGN(summary, builder.finish());
  EXPECT_THAT(names(), ElementsAre("a.idx", "a.pack"));
  ASSERT_OK_AND_ASSIGN(pack, read_file(memory_, kFilesPack));
  EXPECT_EQ(pack.size(), summary.pack_bytes);
  ASSERT_OK_AND_ASSIGN(index, read_file(memory_, "/out/a.idx"));
  EXPECT_EQ(index.size(), summary.index_bytes);
  EXPECT_THAT(read_pack(memory_, kFilesPack, PackAccess::kMap), HoldsExactly(objects_));
}

TEST_F(BuilderFilesTest, StableBytesNeverChange) {
  options_.declared_count = objects_.size() + 1;
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::create(kFilesPack, options_));
  std::vector<ByteVector> seen;
  const auto flush = [&]() -> Result<std::uint64_t> {
    const std::uint64_t stable = TRY(builder.flush());
    ByteVector part = TRY(read_file(memory_, kFilesPack + ".part"));
    EXPECT_GE(part.size(), stable);
    part.resize(stable);
    seen.push_back(part);
    return stable;
  };
  ASSERT_OK_AND_ASSIGN(at_first, flush());
  EXPECT_EQ(at_first, 16u);
  // The declared count is in the file from the first flush on.
  EXPECT_EQ(load_be<std::uint64_t>(seen.back().data() + 8), objects_.size() + 1);
  for (const TestObject& object : objects_) {
    ASSERT_THAT(builder.add(object.id, object.type, object.payload), IsOk());
    ASSERT_THAT(flush(), IsOk());
  }
  // A payload that is being fed has an id, and perhaps a size, that are filled in later.
  const std::uint64_t before_open = seen.back().size();
  ASSERT_THAT(builder.begin_object(IdKind::kContentHash, ObjectType::kBlob, 3 << 20), IsOk());
  for (int i = 0; i < 3; ++i) {
    ASSERT_THAT(builder.write(noise(1 << 20, 1)), IsOk());
    ASSERT_OK_AND_ASSIGN(stable, flush());
    EXPECT_LE(stable, before_open + 1);
  }
  ASSERT_THAT(builder.end_object(test_id(IdKind::kContentHash, 1 << 30)), IsOk());
  ASSERT_OK_AND_ASSIGN(at_last, flush());
  EXPECT_GT(at_last, std::uint64_t{3} << 20);
  ASSERT_THAT(builder.finish(), IsOk());
  ASSERT_OK_AND_ASSIGN(pack, read_file(memory_, kFilesPack));
  for (const ByteVector& part : seen) {
    ASSERT_LE(part.size(), pack.size());
    EXPECT_TRUE(std::equal(part.begin(), part.end(), pack.begin())) << part.size();
  }
}

TEST_F(BuilderFilesTest, WithoutADeclaredCountNothingIsStable) {
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::create(kFilesPack, options_));
  ASSERT_THAT(add_all(builder, objects_), IsOk());
  ASSERT_OK_AND_ASSIGN(stable, builder.flush());
  EXPECT_EQ(stable, 0u);
}

TEST_F(BuilderFilesTest, FinishReadsNothingOfThePack) {
  options_.compress = false;
  options_.work.memory_bytes = smallest_build_memory_bytes(options_);
  for (const bool declared : {false, true}) {
    const std::vector<TestObject> many = make_objects(15'000, 1);
    if (declared) options_.declared_count = many.size();
    files_.reset_counters();
    files_.start_trace();
    ASSERT_OK_AND_ASSIGN(builder, PackBuilder::create(kFilesPack, options_));
    ASSERT_THAT(add_all(builder, many), IsOk());
    EXPECT_EQ(files_.counters().bytes_read, 0u);
    ASSERT_OK_AND_ASSIGN(summary, builder.finish());
    // The scratch file is read back once, and nothing else is.
    EXPECT_GT(summary.scratch_bytes, 0u);
    EXPECT_EQ(files_.counters().bytes_read, summary.scratch_bytes);
    for (const IoEvent& event : files_.trace()) {
      const bool of_pack = event.path.find("a.pack") != std::string::npos;
      EXPECT_FALSE(of_pack && (event.kind == IoKind::kRead || event.kind == IoKind::kMap));
    }
  }
}

TEST_F(BuilderFilesTest, AppendsBehindWhatAFileHoldsAlready) {
  const ByteVector head = noise(777, 1);
  ASSERT_OK_AND_ASSIGN(pack_file, files_.create("/out/all", CreateMode::kTruncate));
  ASSERT_OK_AND_ASSIGN(index_file, files_.create("/out/index", CreateMode::kTruncate));
  // Tails of something longer, which must not end up behind pack and index.
  ASSERT_THAT(pack_file->write_at(0, noise(400'000, 7)), IsOk());
  ASSERT_THAT(pack_file->write_at(0, head), IsOk());
  ASSERT_THAT(index_file->write_at(0, noise(400'000, 8)), IsOk());
  ASSERT_OK_AND_ASSIGN(builder,
                       PackBuilder::append_to(*pack_file, head.size(), *index_file, options_));
  ASSERT_THAT(add_all(builder, objects_), IsOk());
  ASSERT_OK_AND_ASSIGN(summary, builder.finish());
  ASSERT_OK_AND_ASSIGN(built, build_pack(objects_));
  ASSERT_OK_AND_ASSIGN(all, read_file(memory_, "/out/all"));
  ASSERT_OK_AND_ASSIGN(index, read_file(memory_, "/out/index"));
  EXPECT_EQ(summary.pack_bytes, built.pack.size());
  ASSERT_EQ(all.size(), head.size() + built.pack.size());
  EXPECT_TRUE(std::equal(head.begin(), head.end(), all.begin()));
  EXPECT_TRUE(std::equal(built.pack.begin(), built.pack.end(), all.begin() + 777));
  EXPECT_TRUE(index == built.index);
}

TEST_F(BuilderFilesTest, EverythingIsDurableOnceFinishReturns) {
  options_.work.sync = true;
  ASSERT_THAT(memory_.sync_directory("/"), IsOk());
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::create(kFilesPack, options_));
  ASSERT_THAT(add_all(builder, objects_), IsOk());
  ASSERT_THAT(builder.finish(), IsOk());
  memory_.crash(MemoryFileSystem::CrashMode::kDropUnsynced);
  EXPECT_THAT(names(), ElementsAre("a.idx", "a.pack"));
  EXPECT_THAT(read_pack(memory_, kFilesPack, PackAccess::kMap), HoldsExactly(objects_));
}

TEST_F(BuilderFilesTest, APowerCutAtAnyMomentLeavesNoHalfFileUnderAFinalName) {
  options_.work.sync = true;
  for (std::uint64_t n = 0;; ++n) {
    MemoryFileSystem memory;
    FaultyFileSystem files(memory);
    options_.work.file_system = &files;
    ASSERT_THAT(memory.create_directory("/out"), IsOk());
    ASSERT_THAT(memory.sync_directory("/"), IsOk());
    {
      files.inject({.operation = n, .forever = true, .tears_writes = true});
      auto builder = PackBuilder::create(kFilesPack, options_);
      if (builder && add_all(*builder, objects_)) {
        static_cast<void>(builder->finish().has_value());
      }
      std::mt19937_64 random(n);
      memory.crash(random);
    }
    if (!files.fault_fired()) break;
    ASSERT_OK_AND_ASSIGN(left, names_in(memory, "/out"));
    const bool has_pack = std::ranges::count(left, "a.pack") > 0;
    const bool has_index = std::ranges::count(left, "a.idx") > 0;
    EXPECT_TRUE(has_pack || !has_index) << n;
    if (!has_pack) continue;
    if (!has_index) {
      ASSERT_THAT(make_index(kFilesPack, {.work = {.file_system = &memory}}), IsOk()) << n;
    }
    ASSERT_OK_AND_ASSIGN(report, verify_pack(kFilesPack, {.work = {.file_system = &memory}}));
    EXPECT_TRUE(report.ok()) << n;
  }
}

}  // namespace
}  // namespace bale
