// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Checking stores that are whole, and stores that are damaged in every way.

#include "bale/store_verifier.h"

#include <fmt/core.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bale/store_repack.h"
#include "base/memory_size.h"
#include "store/core/staged_pack.h"
#include "testing/damage_store.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

namespace fs = std::filesystem;

// Two archives: "old" with two records, whose second brought the second commit; and "other".
class StoreVerifierTest : public testing::Test {
 protected:
  StoreVerifierTest() {
    git_.write("a", "one");
    git_.write("b", std::string(5000, 'b'));
    git_.commit("first");
    EXPECT_THAT(fixture_.import(git_.path(), "old"), IsOk());
    first_ = fixture_.files();
    git_.write("a", "two");
    git_.commit("second");
    git_.tag("v1", git_.oid("HEAD"));
    EXPECT_THAT(fixture_.import(git_.path(), "old"), IsOk());
    second_ = fixture_.files();
    GitFixture other;
    other.write("c", "other");
    other.commit("other");
    EXPECT_THAT(fixture_.import(other.path(), "other"), IsOk());
  }

  // All that is wrong, a line each; also where the store could not be opened at all.
  std::string damage(bool quick = false, const std::optional<std::string>& archive = {}) {
    const Result<StoreReport> report = fixture_.verify({.archive = archive, .quick = quick});
    if (!report) {
      EXPECT_THAT(report, FailsWith(ErrorCode::kCorrupt));
      return report.error().message;
    }
    std::string text;
    for (const Error& error : report->errors) {
      EXPECT_EQ(error.code, ErrorCode::kCorrupt) << error.message;
      text += error.message + "\n";
    }
    return text;
  }

  // The file that the second import put into packs/.
  std::string second_file(const std::string& suffix) {
    for (const auto& [file, size] : second_) {
      if (file.ends_with(suffix) && !first_.contains(file)) return file;
    }
    return "there is none";
  }

  // A pack of one object, and of a record that makes it the tip of the archive "x".
  void add_archive(ObjectType type, const std::string& payload, const GitOid& oid) {
    ASSERT_OK_AND_ASSIGN(staged, StagedPack::create(fixture_.store(), oid.hash(), {.sync = false}));
    ASSERT_THAT(staged->add(oid, type, as_bytes(payload)), IsOk());
    Record record{.archive = "x", .hash = oid.hash(), .head = "ref: refs/heads/main"};
    record.refs["refs/heads/main"] = oid;
    ASSERT_OK_AND_ASSIGN(id, staged->add_record(record));
    ASSERT_THAT(staged->install(), IsOk());
    ASSERT_THAT(move_archive(fixture_.store(), "x", id, false), IsOk());
  }

  GitFixture git_;
  StoreFixture fixture_;
  std::map<std::string, std::string> first_;
  std::map<std::string, std::string> second_;
};

TEST_F(StoreVerifierTest, AStoreThatIsWholeIsSaidToBe) {
  ASSERT_OK_AND_ASSIGN(full, fixture_.verify());
  EXPECT_THAT(full.errors, testing::IsEmpty());
  EXPECT_EQ(full.packs, 3u);
  EXPECT_EQ(full.objects, 4u + 4 + 3 + 3);  // the records of the three imports too
  EXPECT_GT(full.bytes, 5000u);
  ASSERT_OK_AND_ASSIGN(quick, fixture_.verify({.quick = true}));
  EXPECT_THAT(quick.errors, testing::IsEmpty());
  EXPECT_EQ(quick.objects, full.objects);
  EXPECT_EQ(quick.bytes, 0u);
  ASSERT_OK_AND_ASSIGN(one, fixture_.verify({.archive = "old"}));
  EXPECT_THAT(one.errors, testing::IsEmpty());
  EXPECT_EQ(one.objects, 8u);
  ASSERT_OK_AND_ASSIGN(one_quick, fixture_.verify({.archive = "other", .quick = true}));
  EXPECT_THAT(one_quick.errors, testing::IsEmpty());
}

TEST_F(StoreVerifierTest, WhatCannotBeCheckedIsAnError) {
  EXPECT_THAT(fixture_.verify({.archive = "none"}), FailsWith(ErrorCode::kNotFound, "none"));
  EXPECT_THAT(fixture_.verify({.work = {.memory_bytes = smallest_verify_memory_bytes() - 1}}),
              FailsWith(ErrorCode::kInvalidArgument, memory_size(smallest_verify_memory_bytes())));
  EXPECT_THAT(fixture_.verify({.work = {.memory_bytes = smallest_verify_memory_bytes()}}), IsOk());
  const std::atomic<bool> cancel = true;
  StoreCheckOptions options;
  options.work.operation.cancel = &cancel;
  EXPECT_THAT(fixture_.verify(options), FailsWith(ErrorCode::kInterrupted));
}

TEST_F(StoreVerifierTest, EveryFlippedByteIsReportedWithItsFile) {
  for (const std::string suffix : {".pack", ".idx", ".gitidx"}) {
    const std::string file = second_file(suffix);
    const std::string whole = read_test_file(file);
    // Every piece of the grammar is hit: the files have some hundred bytes.
    for (std::size_t i = 0; i < whole.size(); i += i < 60 ? 7 : 23) {
      flip_byte(file, static_cast<std::int64_t>(i));
      for (const bool quick : {true, false}) {
        const std::string found = damage(quick);
        EXPECT_NE(found.find(fs::path(file).stem().string()), std::string::npos)
            << suffix << " " << i << ": " << found;
      }
      write_test_file(file, whole);
    }
  }
  EXPECT_EQ(damage(), "");
}

TEST_F(StoreVerifierTest, EveryTruncationIsReported) {
  for (const std::string suffix : {".pack", ".idx", ".gitidx"}) {
    const std::string file = second_file(suffix);
    const std::string whole = read_test_file(file);
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{10}, whole.size() / 2, whole.size() - 1}) {
      write_test_file(file, whole.substr(0, size));
      EXPECT_NE(damage(true).find(fs::path(file).stem().string()), std::string::npos) << suffix;
      EXPECT_NE(damage().find(fs::path(file).stem().string()), std::string::npos) << suffix;
    }
    write_test_file(file, whole + "more");
    EXPECT_NE(damage(), "") << suffix;
    write_test_file(file, whole);
  }
  EXPECT_EQ(damage(), "");
}

TEST_F(StoreVerifierTest, EveryFileThatWentIsMissed) {
  for (const std::string suffix : {".pack", ".idx"}) {
    const std::string file = second_file(suffix);
    fs::rename(file, file + ".away");
    for (const bool quick : {true, false}) {
      // Its record went with it.
      EXPECT_NE(damage(quick).find("old: "), std::string::npos) << damage(quick);
      EXPECT_NE(damage(quick, "old"), "");
      EXPECT_EQ(damage(false, "other"), "");
    }
    fs::rename(file + ".away", file);
  }
  const std::string file = second_file(".gitidx");
  fs::rename(file, file + ".away");
  for (const bool quick : {true, false}) {
    const std::string found = damage(quick);
    EXPECT_NE(found.find(git_.oid("HEAD").to_hex()), std::string::npos) << found;
    EXPECT_NE(found.find("old, refs/heads/main"), std::string::npos) << found;
  }
  EXPECT_EQ(damage(false, "other"), "");
}

TEST_F(StoreVerifierTest, APackOfAnEarlierImportIsMissedByWhatNeedsIt) {
  for (const auto& [file, size] : first_) {
    if (file.find("/packs/") != std::string::npos) fs::remove(file);
  }
  const std::string found = damage();
  EXPECT_NE(found.find("old@1: "), std::string::npos) << found;  // its record
  // The second import has these links, and their objects are gone.
  for (const std::string gone : {"HEAD~1", "HEAD:b"}) {
    EXPECT_NE(found.find(git_.oid(gone).to_hex() + " is in none of the packs"), std::string::npos)
        << gone << "\n"
        << found;
  }
  EXPECT_NE(found.find("object " + git_.oid("HEAD").to_hex() + " needs it"), std::string::npos);
  EXPECT_NE(damage(true), "");
  EXPECT_NE(damage(false, "old"), "");
  EXPECT_EQ(damage(false, "other"), "");
}

TEST_F(StoreVerifierTest, PointersAndRecordsThatMakeNoSense) {
  const std::string pointer = fixture_.path() + "/archives/old";
  const std::string right = read_test_file(pointer);
  const ObjectId blob = content_hash(ObjectType::kBlob, as_bytes(std::string(5000, 'b')));
  for (const std::string& text : {std::string(), std::string("rubbish\n"),
                                  std::string(64, '0') + "\n", blob.to_hex() + "\n"}) {
    write_test_file(pointer, text);
    for (const bool quick : {true, false}) {
      EXPECT_NE(damage(quick).find("old"), std::string::npos) << text;
      EXPECT_EQ(damage(false, "other"), "");
    }
  }
  write_test_file(pointer, right);
  EXPECT_EQ(damage(), "");
  // An action that begins like a record and is none.
  ASSERT_OK_AND_ASSIGN(staged,
                       StagedPack::create(fixture_.store(), GitHash::kSha1, {.sync = false}));
  const std::string garbage = "{\"archive\":\"x\",\"kind\":\"git\",";
  ASSERT_OK_AND_ASSIGN(id,
                       staged->add(git_oid(GitHash::kSha1, ObjectType::kAction, as_bytes(garbage)),
                                   ObjectType::kAction, as_bytes(garbage)));
  ASSERT_THAT(staged->install(), IsOk());
  ASSERT_THAT(move_archive(fixture_.store(), "x", id, false), IsOk());
  EXPECT_NE(damage().find(id.to_hex()), std::string::npos);
  EXPECT_NE(damage(true).find(id.to_hex()), std::string::npos);
}

// They came so: reported, and no damage.
TEST_F(StoreVerifierTest, ObjectsThatDoNotParseOrLeadToTheWrongType) {
  const std::string tree = "this is no tree";
  const GitOid malformed = git_oid(GitHash::kSha1, ObjectType::kTree, as_bytes(tree));
  add_archive(ObjectType::kTree, tree, malformed);
  ASSERT_OK_AND_ASSIGN(report, fixture_.verify());
  EXPECT_TRUE(report.ok());
  ASSERT_EQ(report.malformed.size(), 1u);
  EXPECT_EQ(report.malformed.front().oid, malformed);
  // A commit whose tree is a blob.
  const std::string commit = "tree " + git_.oid("HEAD:b").to_hex() + "\n\n";
  const GitOid oid = git_oid(GitHash::kSha1, ObjectType::kState, as_bytes(commit));
  add_archive(ObjectType::kState, commit, oid);
  ASSERT_OK_AND_ASSIGN(again, fixture_.verify({.archive = "x"}));
  EXPECT_TRUE(again.ok());
  ASSERT_EQ(again.odd_links.size(), 1u);
  EXPECT_EQ(again.odd_links.front().oid, git_.oid("HEAD:b"));
  EXPECT_EQ(again.odd_links.front().claimed, ObjectType::kTree);
  EXPECT_EQ(again.odd_links.front().stored, ObjectType::kBlob);
  EXPECT_EQ(again.odd_links.front().from, "object " + oid.to_hex());
}

TEST_F(StoreVerifierTest, AGitIndexThatLeadsToTheWrongObjectIsReported) {
  const std::string payload = "content";
  add_archive(ObjectType::kBlob, payload, git_.oid("HEAD:a"));  // a lie: it is not that blob
  const std::string truth = git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes(payload)).to_hex();
  EXPECT_NE(damage().find(truth), std::string::npos);
}

TEST_F(StoreVerifierTest, WhatNoArchiveNeedsIsNoDamage) {
  const std::string packs = fixture_.path() + "/packs/";
  write_test_file(packs + "readme", "not ours");
  write_test_file(packs + std::string(64, 'b') + ".idx", "half a pack, without a pack");
  write_test_file(fixture_.path() + "/staging/dead/new.pack.part", "debris");
  EXPECT_EQ(damage(), "");
  EXPECT_EQ(damage(true), "");
}

// More packs than a store keeps open.
TEST(StoreVerifierBesideTest, PacksThatARepackTakesAwayMeanwhileAreNoDamage) {
  int interrupted = 0;
  for (int step = 1; step < 1000; step *= 3) {
    DamageStore store;
    std::vector<std::pair<std::string, GitOid>> entries;
    for (int i = 0; i < 150; ++i) {
      entries.emplace_back(fmt::format("{:03}", i), store.blob(std::to_string(i)));
    }
    const GitOid tree = store.tree(entries);
    store.record("a", {{"refs/heads/main", store.commit(tree, {})}});
    int calls = 0;
    StoreCheckOptions options;
    options.work.operation.report = [&](const Progress&) {
      if (++calls != step) return;
      ++interrupted;
      EXPECT_THAT(repack_store(store.store(), {.work = {.sync = false, .operation = {}}}), IsOk());
    };
    ASSERT_OK_AND_ASSIGN(report, store.verify(options));
    EXPECT_THAT(report.errors, testing::IsEmpty()) << "step " << step;
    EXPECT_GE(report.objects, 152u);
  }
  EXPECT_GE(interrupted, 3);
}

}  // namespace
}  // namespace bale
