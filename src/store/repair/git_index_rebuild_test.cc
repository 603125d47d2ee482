// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Git indexes made anew from packs alone.

#include "store/repair/git_index_rebuild.h"

#include <string>
#include <vector>

#include "base/try.h"
#include "store/core/git_index_view.h"
#include "store/core/staged_pack.h"
#include "store/core/store_impl.h"
#include "testing/delta_store.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

// A store with one pack of all types: trees, commits, a tag, blobs of which one is large, a record.
class GitIndexRebuildTest : public testing::TestWithParam<GitHash> {
 protected:
  GitIndexRebuildTest() : git_(GetParam()) {
    std::string text = "first\n";
    for (int i = 0; i < 5; ++i) {
      text += std::string(200, static_cast<char>('a' + i)) + "\n";
      git_.write("dir/text", text);
      git_.write("large", random_text(2 << 20, 1));
      git_.commit("a change");
    }
    git_.tag("v1", git_.oid("HEAD"));
    EXPECT_THAT(fixture_.import(git_.path(), "x"), IsOk());
    pack_path_ = fixture_.pack_file(".pack");
    git_index_path_ = fixture_.pack_file(".gitidx");
  }

  [[nodiscard]] std::string original() const { return read_test_file(git_index_path_); }

  // Opens the pack and makes its Git index at `path`.
  Result<GitIndexRebuildReport> rebuild(const std::string& path,
                                        GitIndexRebuildOptions options = {}) {
    const PackReader pack = TRY(PackReader::open(
        pack_path_, {.access = PackAccess::kRead, .file_system = options.file_system}));
    ReadContext context;
    const auto hash = TRY(find_git_hash(pack, true, context));
    EXPECT_EQ(hash, GetParam());
    options.sync = false;
    options.on_damage = [this](const Error& error) -> Result<void> {
      damage_.push_back(error);
      return {};
    };
    return rebuild_git_index(pack, GetParam(), path, options);
  }

  GitFixture git_;
  StoreFixture fixture_;
  std::string pack_path_;
  std::string git_index_path_;
  std::vector<Error> damage_;
};

INSTANTIATE_TEST_SUITE_P(Hashes, GitIndexRebuildTest,
                         testing::Values(GitHash::kSha1, GitHash::kSha256),
                         [](const auto& hash) { return std::string(to_string(hash.param)); });

TEST_P(GitIndexRebuildTest, AMissingOneIsMadeAnewByteForByte) {
  const std::string before = original();
  ASSERT_THAT(posix_file_system().remove_file(git_index_path_), IsOk());
  for (const std::uint64_t memory_bytes : {kMinGitIndexRebuildBytes, std::uint64_t{64} << 20}) {
    ASSERT_OK_AND_ASSIGN(report, rebuild(git_index_path_, {.memory_bytes = memory_bytes}));
    EXPECT_EQ(report.records, 1u);
    EXPECT_EQ(report.damaged, 0u);
    EXPECT_FALSE(report.cut_short);
    EXPECT_EQ(report.index_bytes, before.size());
    EXPECT_TRUE(original() == before);
  }
  EXPECT_TRUE(damage_.empty());
  ASSERT_OK_AND_ASSIGN(checked, fixture_.verify());
  EXPECT_TRUE(checked.ok());
}

TEST_P(GitIndexRebuildTest, SoItIsOfAPackWithDeltas) {
  DeltaStoreOptions chains;
  chains.most_depth = 2;
  ASSERT_OK_AND_ASSIGN(packed, repack_with_deltas(fixture_.path(), chains));
  ASSERT_GT(packed.deltas, 0u);
  pack_path_ = fixture_.pack_file(".pack");
  git_index_path_ = fixture_.pack_file(".gitidx");
  const std::string again = fixture_.beside("again.gitidx");
  ASSERT_THAT(rebuild(again), IsOk());
  EXPECT_TRUE(read_test_file(again) == original());
}

// Whatever byte is hit: what is indexed is whole, and what is not indexed was told.
TEST_P(GitIndexRebuildTest, DamagedEntriesAreToldAndLeftOut) {
  const auto pack_bytes = static_cast<std::int64_t>(read_test_file(pack_path_).size());
  const std::string again = fixture_.beside("again.gitidx");
  ASSERT_OK_AND_ASSIGN(whole, rebuild(again));
  for (int i = 0; i < 12; ++i) {
    const std::int64_t at = 16 + (pack_bytes - 48) * i / 12;
    flip_byte(pack_path_, at);
    damage_.clear();
    const Result<GitIndexRebuildReport> report = [&]() -> Result<GitIndexRebuildReport> {
      const PackReader pack = TRY(PackReader::open(pack_path_));
      return rebuild_git_index(pack, GetParam(), again,
                               {.sync = false, .on_damage = [this](const Error& error) {
                                  damage_.push_back(error);
                                  return Result<void>();
                                }});
    }();
    flip_byte(pack_path_, at);
    ASSERT_THAT(report, IsOk()) << at;
    EXPECT_GE(report->damaged, 1u) << at;
    EXPECT_EQ(damage_.size(), report->damaged) << at;
    EXPECT_LT(report->objects + report->records, whole.objects + whole.records) << at;
    if (!report->cut_short) {
      EXPECT_EQ(report->objects + report->records + report->damaged, whole.objects + whole.records)
          << at;
    }
  }
}

TEST_P(GitIndexRebuildTest, EveryOperationThatFailsFailsItAndLeavesTheOlderOne) {
  const std::string path = fixture_.beside("made.gitidx");
  write_test_file(path, "older");
  FaultyFileSystem counting(posix_file_system());
  ASSERT_THAT(rebuild(path, {.file_system = &counting}), IsOk());
  const std::uint64_t operation_count = counting.counters().operations();
  for (std::uint64_t n = 0; n < operation_count; n += n < 20 ? 1 : 23) {
    write_test_file(path, "older");
    FaultyFileSystem files(posix_file_system());
    files.inject({.operation = n, .forever = true});  // a read is tried again for less
    EXPECT_THAT(rebuild(path, {.file_system = &files}), FailsWith(ErrorCode::kIo)) << n;
    EXPECT_EQ(read_test_file(path), "older") << n;
  }
}

TEST(GitIndexRebuildPackTest, APackWithoutARecordDoesNotSayWhichHash) {
  StoreFixture fixture;
  ASSERT_OK_AND_ASSIGN(staged, StagedPack::create(fixture.store(), GitHash::kSha1, {}));
  const GitOid oid = git_oid(GitHash::kSha1, ObjectType::kAction, as_bytes("{ no record"));
  ASSERT_THAT(staged->add(oid, ObjectType::kAction, as_bytes("{ no record")), IsOk());
  ASSERT_THAT(staged->install(), IsOk());
  ASSERT_THAT(fixture.store().refresh(), IsOk());
  ReadContext context;
  ASSERT_OK_AND_ASSIGN(hash, find_git_hash(*fixture.newest_pack(), true, context));
  EXPECT_FALSE(hash.has_value());
  EXPECT_THAT(rebuild_git_index(*fixture.newest_pack(), GitHash::kSha1, fixture.beside("x"),
                                {.memory_bytes = kMinGitIndexRebuildBytes - 1}),
              FailsWith(ErrorCode::kInvalidArgument));
}

}  // namespace
}  // namespace bale
