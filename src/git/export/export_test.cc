// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Exports that must fail, without leaving anything. Their results: round_trip_test.cc.

#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

#include "bale/store_repack.h"
#include "hash/git_hash.h"
#include "store/core/catalog_builder.h"
#include "store/core/staged_pack.h"
#include "testing/git_fixture.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

namespace fs = std::filesystem;

class GitExportTest : public testing::Test {
 protected:
  GitExportTest() {
    git_.write("a", "one");
    git_.commit("first");
    EXPECT_THAT(fixture_.import(git_.path(), "x"), IsOk());
    fs::create_directory(parent_);
  }

  Result<GitExportSummary> export_to(const std::string& out, const GitExportOptions& options = {}) {
    return export_git(fixture_.store(), "x", out, options);
  }

  // Adds a record to the archive, as an untrusted store may have.
  void add_record(Record record) {
    record.archive = "x";
    ASSERT_OK_AND_ASSIGN(staged,
                         StagedPack::create(fixture_.store(), GitHash::kSha1, {.sync = false}));
    ASSERT_OK_AND_ASSIGN(id, staged->add_record(record));
    ASSERT_THAT(staged->install(), IsOk());
    ASSERT_THAT(move_archive(fixture_.store(), "x", id, false), IsOk());
    ASSERT_THAT(fixture_.store().refresh(), IsOk());
  }

  GitFixture git_;
  StoreFixture fixture_;
  // Files written beside the output would be in here.
  const std::string parent_ = fixture_.beside("parent");
};

TEST_F(GitExportTest, GoesToANewOrAnEmptyDirectoryOnly) {
  fs::create_directory(parent_ + "/empty");
  ASSERT_OK_AND_ASSIGN(summary, export_to(parent_ + "/empty"));
  EXPECT_EQ(summary.objects, 3u);
  EXPECT_GT(summary.bytes_out, 32u);
  EXPECT_EQ(summary.missing, 0u);
  EXPECT_EQ(git_.run_in(parent_ + "/empty", {"rev-parse", "HEAD"}), git_.oid("HEAD").to_hex());
  write_test_file(parent_ + "/full/file", "mine");
  EXPECT_THAT(export_to(parent_ + "/full"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(export_to(parent_ + "/full/file"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_EQ(read_test_file(parent_ + "/full/file"), "mine");
  EXPECT_THAT(export_to(parent_ + "/no/such"), FailsWith(ErrorCode::kNotFound));
  EXPECT_EQ(std::distance(fs::directory_iterator(parent_), fs::directory_iterator()), 2);
}

TEST_F(GitExportTest, RefusesWhatIsNotThere) {
  EXPECT_THAT(export_git(fixture_.store(), "y", parent_ + "/y", {}),
              FailsWith(ErrorCode::kNotFound, "y"));
  EXPECT_THAT(export_to(parent_ + "/x", {.record_back = 1}), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(
      export_to(parent_ + "/x", {.work = {.memory_bytes = smallest_export_memory_bytes() - 1}}),
      FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(export_to(parent_ + "/x", {.work = {.memory_bytes = smallest_export_memory_bytes()}}),
              IsOk());
}

TEST_F(GitExportTest, CancelledItLeavesNothing) {
  std::atomic<bool> cancel = false;
  for (const std::string phase : {"walking the history", "writing objects"}) {
    cancel = false;
    GitExportOptions options;
    options.work.operation.cancel = &cancel;
    options.work.operation.report = [&](const Progress& progress) {
      if (progress.phase == phase) cancel = true;
    };
    EXPECT_THAT(export_to(parent_ + "/x", options), FailsWith(ErrorCode::kInterrupted));
    EXPECT_TRUE(cancel);
    EXPECT_TRUE(fs::is_empty(parent_));
  }
}

TEST_F(GitExportTest, DamageIsSaidAndLeavesNothing) {
  // In the payloads, in the middle of the pack.
  const std::string pack = fixture_.pack_file(".pack");
  flip_byte(pack, static_cast<std::int64_t>(fs::file_size(pack)) / 3);
  ASSERT_THAT(fixture_.store().refresh(), IsOk());
  EXPECT_THAT(export_to(parent_ + "/x"), FailsWith(ErrorCode::kCorrupt));
  EXPECT_TRUE(fs::is_empty(parent_));
}

TEST_F(GitExportTest, RecordsOfStrangersWriteNowhereElse) {
  const GitOid head = git_.oid("HEAD");
  const auto record = [&] {
    Record made;
    made.hash = GitHash::kSha1;
    made.head = "ref: refs/heads/main";
    return made;
  };
  // What no list of refs can hold is damage.
  const auto is_refused = testing::AnyOf(FailsWith(ErrorCode::kInvalidArgument),
                                         FailsWith(ErrorCode::kCorrupt, "does not allow"));
  for (const std::string name :
       {"refs/../../../outside", "../outside", "/tmp/outside", "config", "objects/info/alternates",
        "refs/heads/a\nb", "refs/heads/x.lock", "refs//x", "", "refs/heads/.x"}) {
    SCOPED_TRACE(name);
    Record hostile = record();
    hostile.refs[name] = head;
    add_record(hostile);
    EXPECT_THAT(export_to(parent_ + "/x"), is_refused);
    hostile = record();
    hostile.symrefs[name] = "refs/heads/main";
    add_record(hostile);
    EXPECT_THAT(export_to(parent_ + "/x"), is_refused);
    hostile = record();
    hostile.symrefs["refs/heads/y"] = name;
    add_record(hostile);
    EXPECT_THAT(export_to(parent_ + "/x"), is_refused);
    hostile = record();
    hostile.head = "ref: " + name;
    add_record(hostile);
    EXPECT_THAT(export_to(parent_ + "/x"), FailsWith(ErrorCode::kInvalidArgument));
    if (testing::Test::HasFailure()) break;
  }
  Record headless = record();
  headless.head = "nonsense";
  add_record(headless);
  EXPECT_THAT(export_to(parent_ + "/x"), FailsWith(ErrorCode::kCorrupt));
  EXPECT_TRUE(fs::is_empty(parent_));
  // A ref to a nonexistent object.
  Record dangling = record();
  dangling.refs["refs/heads/main"] = *GitOid::from_hex(std::string(40, '1'));
  add_record(dangling);
  EXPECT_THAT(export_to(parent_ + "/x"), FailsWith(ErrorCode::kCorrupt, std::string(40, '1')));
  // A directory is not a repository.
  Record directory;
  directory.kind = RecordKind::kDir;
  directory.hash = GitHash::kSha1;
  directory.root = git_.oid("HEAD^{tree}");
  add_record(directory);
  EXPECT_THAT(export_to(parent_ + "/x"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_TRUE(fs::is_empty(parent_));
}

TEST_F(GitExportTest, OfASnapshotWhosePacksWereCollectedTheObjectsComeFromLaterPacks) {
  constexpr int kPacks = 70;  // so many that a snapshot does not keep them open
  for (int i = 0; i < kPacks; ++i) {
    const std::string text = std::to_string(i);
    const GitOid oid = git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes(text));
    ASSERT_OK_AND_ASSIGN(
        staged, StagedPack::create(fixture_.store(), GitHash::kSha1, {.sync = false}));
    ASSERT_THAT(staged->add(oid, ObjectType::kBlob, as_bytes(text)), IsOk());
    ASSERT_THAT(staged->install(), IsOk());
  }
  ASSERT_THAT(fixture_.store().refresh(), IsOk());
  keep_catalog_up(fixture_.store(), false);
  const Snapshot snapshot = fixture_.reopened().snapshot();
  Store writer = fixture_.reopened();
  ASSERT_THAT(repack_store(writer, {.work = {.sync = false}}), IsOk());
  ASSERT_EQ(writer.snapshot().pack_count(), 1u);
  ASSERT_OK_AND_ASSIGN(summary, export_git(snapshot, "x", parent_ + "/x", {}));
  EXPECT_EQ(summary.objects, 3u);
  EXPECT_EQ(git_.run_in(parent_ + "/x", {"rev-parse", "HEAD"}), git_.oid("HEAD").to_hex());
}

// The same objects in other packs, as concurrent imports may create.
TEST_F(GitExportTest, WhereEntriesOfOnePackAreDamagedAnotherPackGivesTheObjects) {
  std::string text;
  for (int i = 0; i < 6; ++i) {
    text += random_text(400, static_cast<std::uint64_t>(i)) + "\n";
    git_.write("a", text);
    git_.commit("more");
  }
  ASSERT_THAT(fixture_.import(git_.path(), "x"), IsOk());
  const RepositoryState state = describe_repository(git_, git_.path());
  StoreFixture other;
  ASSERT_THAT(other.import(git_.path(), "x"), IsOk());
  for (const auto& file : fs::directory_iterator(other.path() + "/packs")) {
    fs::copy(file.path(), fixture_.path() + "/packs");
  }
  std::vector<fs::path> packs;
  for (const auto& file : fs::directory_iterator(fixture_.path() + "/packs")) {
    if (file.path().extension() == ".pack") packs.push_back(file.path());
  }
  ASSERT_EQ(packs.size(), 3u);
  int exports = 0;
  for (const fs::path& pack : packs) {
    const auto size = static_cast<std::int64_t>(fs::file_size(pack));
    for (std::int64_t at = 20; at < size; at += 1 + size / 15) {
      flip_byte(pack, at);
      const Store store = fixture_.reopened();
      ReadContext context;
      if (store.snapshot().record("x", 0, context)) {
        const std::string out = parent_ + "/" + std::to_string(exports++);
        ASSERT_THAT(export_git(store, "x", out, {}), IsOk()) << pack << " at " << at;
        EXPECT_EQ(describe_repository(git_, out), state) << pack << " at " << at;
        fs::remove_all(out);
      }
      flip_byte(pack, at);
    }
  }
  EXPECT_GT(exports, 30);
}

}  // namespace
}  // namespace bale
