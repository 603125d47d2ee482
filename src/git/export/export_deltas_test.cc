// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Exports of stores whose packs have deltas: results, and damage that must be noticed.

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "store/core/staged_pack.h"
#include "testing/delta_store.h"
#include "testing/git_fixture.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

namespace fs = std::filesystem;

// Versions of a few files, and trees that grow.
void fill_with_versions(GitFixture& git) {
  std::string text = random_text(300, 1);
  for (int i = 0; i < 12; ++i) {
    text.replace(100, 50, random_text(50, static_cast<std::uint64_t>(i) + 2));
    git.write("a.txt", text);
    git.write("dir/file" + std::to_string(i), std::to_string(i));
    git.commit("number " + std::to_string(i));
  }
  git.write("empty", "");
  git.commit("an empty file");
  git.tag("v1", git.oid("HEAD"));
}

// Repacks the store with deltas along the paths of the repository's files.
Result<PackSummary> repack_along_paths(GitFixture& git, StoreFixture& fixture) {
  std::map<std::string, std::string> paths;
  std::istringstream listed(git.run({"rev-list", "--objects", "--all"}));
  for (std::string line; std::getline(listed, line);) {
    const std::size_t end = std::min(line.find(' '), line.size());
    paths[line.substr(0, end)] = line.substr(end);
  }
  const Result<PackSummary> pack = repack_with_deltas(
      fixture.path(), {.lineage = [&](const GitOid& oid) { return paths[oid.to_hex()]; }});
  if (!pack) return pack.error();
  const Result<void> refreshed = fixture.store().refresh();
  if (!refreshed) return refreshed.error();
  return *pack;
}

class ExportDeltasTest : public testing::Test {
 protected:
  void import_with_deltas(GitFixture& git, const std::string& name) {
    fill_with_versions(git);
    ASSERT_THAT(fixture_.import(git.path(), name), IsOk());
    ASSERT_OK_AND_ASSIGN(pack, repack_along_paths(git, fixture_));
    ASSERT_GT(pack.deltas, 15u);
    fs::create_directory(parent_);
  }

  Result<GitExportSummary> export_to(const std::string& out, const GitExportOptions& options = {}) {
    return export_git(fixture_.store(), "x", out, options);
  }

  // The blob deltas of the store's only pack, which only the export reads.
  Result<std::vector<EntryInfo>> blob_deltas() {
    const PackReader& pack = *fixture_.newest_pack();
    std::vector<EntryInfo> found;
    for (std::uint64_t i = 0; i < pack.record_count(); ++i) {
      const auto record = pack.record(i);
      if (!record) return record.error();
      const auto info = pack.info_at(record->offset, context_);
      if (!info) return info.error();
      if (info->base && info->type == ObjectType::kBlob) found.push_back(*info);
    }
    return found;
  }

  StoreFixture fixture_;
  ReadContext context_;
  const std::string parent_ = fixture_.beside("parent");
};

std::size_t deltas_in(GitFixture& git, const std::string& repository) {
  const std::string bases =
      git.run_in(repository, {"cat-file", "--batch-all-objects", "--batch-check=%(deltabase)"}) +
      "\n";
  std::size_t deltas = 0;
  for (std::size_t at = 0; at < bases.size(); at = bases.find('\n', at) + 1) {
    if (bases[bases.find_first_not_of('0', at)] != '\n') ++deltas;
  }
  return deltas;
}

TEST_F(ExportDeltasTest, GitGetsTheSameObjectsAsDeltas) {
  for (const GitHash hash : {GitHash::kSha1, GitHash::kSha256}) {
    GitFixture git(hash);
    StoreFixture fixture;
    fill_with_versions(git);
    ASSERT_THAT(fixture.import(git.path(), "x"), IsOk());
    ASSERT_OK_AND_ASSIGN(pack, repack_along_paths(git, fixture));
    const std::string out = fixture.beside("out.git");
    ASSERT_OK_AND_ASSIGN(summary, export_git(fixture.store(), "x", out, {}));
    EXPECT_EQ(describe_repository(git, out), describe_repository(git, git.path()));
    EXPECT_EQ(describe_database(git, out), describe_database(git, git.path()));
    EXPECT_EQ(summary.deltas, pack.deltas);
    EXPECT_EQ(deltas_in(git, out), pack.deltas);
    EXPECT_LE(summary.bytes_out, pack.pack_bytes);
  }
}

TEST_F(ExportDeltasTest, LanesAndMemoryChangeNothing) {
  GitFixture git;
  import_with_deltas(git, "x");
  ASSERT_OK_AND_ASSIGN(summary, export_to(parent_ + "/first"));
  for (const GitExportOptions& options :
       {GitExportOptions{.work = {.memory_bytes = smallest_export_memory_bytes(), .lanes = 1}},
        GitExportOptions{.work = {.memory_bytes = smallest_export_memory_bytes(), .lanes = 3}},
        GitExportOptions{.work = {.lanes = 3}}}) {
    ASSERT_OK_AND_ASSIGN(again, export_to(parent_ + "/again", options));
    EXPECT_EQ(again.bytes_out, summary.bytes_out);
    EXPECT_EQ(again.deltas, summary.deltas);
    fs::remove_all(parent_ + "/again");
  }
}

TEST_F(ExportDeltasTest, AnOldRecordWithoutTheNewBasesIsWhole) {
  GitFixture git;
  import_with_deltas(git, "x");
  // Newer versions are the bases of older ones, so no object of the first commit remains a delta.
  Record old = fixture_.record("x");
  const GitOid first = git.oid("HEAD~12");
  old.refs = {{"refs/heads/main", first}};
  ASSERT_OK_AND_ASSIGN(staged,
                       StagedPack::create(fixture_.store(), GitHash::kSha1, {.sync = false}));
  ASSERT_OK_AND_ASSIGN(id, staged->add_record(old));
  ASSERT_THAT(staged->install(), IsOk());
  ASSERT_THAT(move_archive(fixture_.store(), "x", id, false), IsOk());
  ASSERT_THAT(fixture_.store().refresh(), IsOk());
  ASSERT_OK_AND_ASSIGN(summary, export_to(parent_ + "/old"));
  EXPECT_EQ(summary.objects, 5u);
  EXPECT_LT(summary.deltas, 4u);
  EXPECT_EQ(git.run_in(parent_ + "/old", {"rev-parse", "main"}), first.to_hex());
  EXPECT_EQ(git.run_in(parent_ + "/old", {"fsck", "--full"}), "");
}

TEST_F(ExportDeltasTest, TheIdsOfSeveralPacksAreProvenTogether) {
  GitFixture git;
  import_with_deltas(git, "x");
  for (int i = 0; i < 3; ++i) {
    git.write("later" + std::to_string(i), std::to_string(i));
    git.commit("later");
    ASSERT_THAT(fixture_.import(git.path(), "x"), IsOk());
    ASSERT_THAT(fixture_.store().refresh(), IsOk());
  }
  ASSERT_EQ(fixture_.store().snapshot().pack_count(), 4u);
  ASSERT_OK_AND_ASSIGN(summary, export_to(parent_ + "/out"));
  EXPECT_GT(summary.deltas, 15u);
  EXPECT_EQ(describe_database(git, parent_ + "/out"), describe_database(git, git.path()));
}

TEST_F(ExportDeltasTest, ADamagedProgramIsFoundAndLeavesNothing) {
  GitFixture git;
  import_with_deltas(git, "x");
  ASSERT_OK_AND_ASSIGN(deltas, blob_deltas());
  ASSERT_GT(deltas.size(), 3u);
  const std::string pack = fixture_.pack_file(".pack");
  int only_git_saw_it = 0;
  // The middle of a program is a literal, whose damage yields another object of the same size; its
  // start has operations.
  for (std::size_t i = 0; i < 6; ++i) {
    const EntryInfo& info = deltas[i % deltas.size()];
    const std::uint64_t payload = info.offset + info.entry_bytes - info.stored_size;
    const std::uint64_t at = i % 2 == 0 ? payload : payload + info.stored_size / 2;
    flip_byte(pack, static_cast<std::int64_t>(at));
    ASSERT_THAT(fixture_.store().refresh(), IsOk());
    const Result<GitExportSummary> exported = export_to(parent_ + "/out");
    EXPECT_THAT(exported, FailsWith(ErrorCode::kCorrupt, pack + ": entry at offset "));
    if (!exported && exported.error().hint.kind == HintKind::kVerify) {
      ++only_git_saw_it;
      EXPECT_THAT(exported, FailsWith(ErrorCode::kCorrupt, "not what its id"));
    }
    EXPECT_TRUE(fs::is_empty(parent_));
    flip_byte(pack, static_cast<std::int64_t>(at));
  }
  EXPECT_EQ(only_git_saw_it, 3);
  EXPECT_THAT(export_to(parent_ + "/out"), IsOk());
}

TEST_F(ExportDeltasTest, AnIndexThatLeadsAGitIdElsewhereIsFound) {
  GitFixture git;
  import_with_deltas(git, "x");
  const std::vector<GitOid> oids = {git.oid("HEAD:dir/file1"), git.oid("HEAD:dir/file2")};
  const std::string path = fixture_.pack_file(".gitidx");
  // The record of one blob points to the other.
  std::string index = read_test_file(path);
  const std::size_t one = index.find(as_text(oids[0].bytes())) + 20;
  const std::size_t two = index.find(as_text(oids[1].bytes())) + 20;
  index.replace(one, 8, index.substr(two, 8));
  write_test_file(path, index);
  const Store store = fixture_.reopened();
  EXPECT_THAT(
      export_git(store, "x", parent_ + "/out", {}),
      FailsWith(ErrorCode::kCorrupt, "not the object that Git knows as " + oids[0].to_hex()));
  EXPECT_TRUE(fs::is_empty(parent_));
}

}  // namespace
}  // namespace bale
