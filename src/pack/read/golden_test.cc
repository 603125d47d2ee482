// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Packs that another program wrote (test/golden) read back as their manifests say, and the same
// objects built here list the same. And what is built is the same however often it is built, and in
// how much memory.

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "bale/pack_builder.h"
#include "bale/pack_reader.h"
#include "bale/pack_verifier.h"
#include "base/hex.h"
#include "hash/blake3.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_fixture.h"
#include "testing/temp_directory.h"

namespace bale {
namespace {

// The manifest of these objects, in the order given.
std::string manifest_of(const std::vector<TestObject>& objects) {
  std::ostringstream lines;
  for (const TestObject& object : objects) {
    lines << (object.id.kind() == IdKind::kContentHash ? 'h' : 'c') << '\t' << object.id.to_hex()
          << '\t' << to_string(object.type) << '\t' << object.payload.size() << '\t'
          << to_hex(blake3(object.payload)) << '\n';
  }
  return lines.str();
}

class GoldenTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto manifest = read_file(posix_file_system(), golden_path(GetParam(), "manifest.tsv"));
    ASSERT_THAT(manifest, IsOk());
    manifest_ = as_text(*manifest);
    pack_path_ = golden_path(GetParam(), std::string(GetParam()) + ".pack");
  }

  std::string manifest_;
  std::string pack_path_;
};

TEST_P(GoldenTest, ReadsBackAsItsManifestSays) {
  for (const PackAccess access : {PackAccess::kMap, PackAccess::kRead}) {
    ASSERT_OK_AND_ASSIGN(objects, read_pack(posix_file_system(), pack_path_, access));
    EXPECT_EQ(manifest_of(objects), manifest_);
  }
}

TEST_P(GoldenTest, IsFoundToBeWhole) {
  const TempDirectory scratch;
  ASSERT_OK_AND_ASSIGN(report, verify_pack(pack_path_, {.scratch_directory = scratch.path()}));
  EXPECT_TRUE(report.ok()) << report.errors.front().message;
}

TEST_P(GoldenTest, ReadsBackTheSameWithAnIndexMadeFromThePackAlone) {
  const TempDirectory directory;
  const std::string index_path = directory / "made.idx";
  ASSERT_OK_AND_ASSIGN(made,
                       make_index(pack_path_, {.index_path = index_path, .work = {.sync = false}}));
  ASSERT_OK_AND_ASSIGN(pack, PackReader::open(pack_path_, {.index_path = index_path}));
  EXPECT_EQ(pack.entry_count(), made.objects);
  ASSERT_OK_AND_ASSIGN(objects, read_pack(pack));
  EXPECT_EQ(manifest_of(objects), manifest_);
  // Its records are those of the other writer, byte for byte; the trailer comes after them.
  ASSERT_OK_AND_ASSIGN(ours, read_file(posix_file_system(), index_path));
  ASSERT_OK_AND_ASSIGN(theirs, read_file(posix_file_system(), default_index_path(pack_path_)));
  ASSERT_EQ(ours.size(), theirs.size() + 72);
  EXPECT_TRUE(std::equal(theirs.begin(), theirs.end(), ours.begin()));
}

INSTANTIATE_TEST_SUITE_P(Packs, GoldenTest,
                         testing::Values("deltas", "deltas-nocompress", "empty", "incompressible",
                                         "mixed", "mixed-level19"));

struct Input {
  const char* name;
  bool with_paths;
};

class GoldenInputTest : public testing::TestWithParam<Input> {
 protected:
  void SetUp() override {
    auto stream = read_file(posix_file_system(), golden_path(GetParam().name, "input.frames"));
    ASSERT_THAT(stream, IsOk());
    auto objects = parse_frames(*stream, GetParam().with_paths);
    ASSERT_THAT(objects, IsOk());
    objects_ = std::move(*objects);
  }

  std::vector<TestObject> objects_;
};

TEST_P(GoldenInputTest, BuiltHereListsTheSameObjects) {
  ASSERT_OK_AND_ASSIGN(
      manifest, read_file(posix_file_system(), golden_path(GetParam().name, "manifest.tsv")));
  ASSERT_OK_AND_ASSIGN(built, build_pack(objects_));
  MemoryFileSystem files;
  ASSERT_THAT(put_pack(files, "/a.pack", built), IsOk());
  ASSERT_OK_AND_ASSIGN(objects, read_pack(files, "/a.pack", PackAccess::kMap));
  EXPECT_EQ(manifest_of(objects), as_text(manifest));
}

TEST_P(GoldenInputTest, BuiltTwiceGivesTheSameBytes) {
  PackBuilderOptions options = test_options();
  ASSERT_OK_AND_ASSIGN(first, build_pack(objects_, options));
  options.work.memory_bytes = smallest_build_memory_bytes(options);
  ASSERT_OK_AND_ASSIGN(second, build_pack(objects_, options));
  EXPECT_TRUE(first.pack == second.pack);
  EXPECT_TRUE(first.index == second.index);
}

INSTANTIATE_TEST_SUITE_P(Packs, GoldenInputTest,
                         testing::Values(Input{"deltas", true}, Input{"incompressible", false},
                                         Input{"mixed", false}),
                         [](const auto& input) { return std::string(input.param.name); });

TEST(DeterminismTest, MemoryChangesHowThePackIsSortedAndNotOneByteOfIt) {
  // So many that with the least memory there are many runs, and with the most there is none.
  constexpr std::uint64_t kObjectCount = 115'000;
  MemoryFileSystem files;
  PackBuilderOptions options = test_options();
  options.compress = false;
  options.work.file_system = &files;
  std::vector<std::uint64_t> scratch_bytes;
  const std::uint64_t smallest = smallest_build_memory_bytes(options);
  for (const std::uint64_t memory_bytes : {smallest, 3 * smallest, std::uint64_t{32} << 20}) {
    options.work.memory_bytes = memory_bytes;
    const std::string name = "/" + std::to_string(memory_bytes);
    ASSERT_OK_AND_ASSIGN(builder, PackBuilder::create(name, options));
    for (std::uint64_t i = 0; i < kObjectCount; ++i) {
      // Half of them hashes, with duplicates, half of them with one long common prefix.
      const ObjectId id = i % 2 == 0 ? test_id(IdKind::kChangeId, i % 50'000)
                                     : prefixed_id(i * 7'919 % kObjectCount);
      ASSERT_THAT(builder.add(id, ObjectType::kBlob, {}), IsOk());
    }
    ASSERT_OK_AND_ASSIGN(summary, builder.finish());
    scratch_bytes.push_back(summary.scratch_bytes);
    ASSERT_OK_AND_ASSIGN(pack, read_file(files, name));
    ASSERT_OK_AND_ASSIGN(index, read_file(files, name + ".idx"));
    ASSERT_OK_AND_ASSIGN(first_pack, read_file(files, "/" + std::to_string(smallest)));
    ASSERT_OK_AND_ASSIGN(first_index, read_file(files, "/" + std::to_string(smallest) + ".idx"));
    EXPECT_TRUE(pack == first_pack);
    EXPECT_TRUE(index == first_index);
  }
  EXPECT_EQ(scratch_bytes[0], kObjectCount * 41);
  EXPECT_EQ(scratch_bytes[1], kObjectCount * 41);
  EXPECT_EQ(scratch_bytes[2], 0u);
}

}  // namespace
}  // namespace bale
