// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale repair, run as by a script: with and without another source of the lost objects.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "bale/store.h"
#include "cli/program_under_test.h"
#include "testing/git_fixture.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"
#include "testing/temp_directory.h"

namespace bale::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

// The archive "x" of a repository of two commits, in two packs.
class RepairVerbsTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const std::string text : {"one", "two"}) {
      git_.write("dir/" + text, random_text(2000, text.size() + static_cast<std::size_t>(text[1])));
      git_.write("a", text);
      git_.commit(text);
      ASSERT_EQ(run({"import", "git", git_.path(), "--name", "x"}).status, 0);
    }
    exported_ = exported("before.git");
  }

  FinishedRun run(std::vector<std::string> words) {
    words.insert(words.end(), {"--store", path_});
    return run_bale(words);
  }

  json repair(int status, std::vector<std::string> words = {}) {
    words.insert(words.begin(), {"repair", "--json"});
    const FinishedRun finished = run(words);
    EXPECT_EQ(finished.status, status) << finished.err << finished.out;
    return json::parse(finished.out);
  }

  RepositoryState exported(const std::string& name) {
    const std::string to = directory_ / name;
    EXPECT_EQ(run({"export", "git", "x", to}).status, 0);
    return describe_repository(git_, to);
  }

  // Flips a byte in the stored payload of an object.
  void damage(const std::string& revision) {
    ASSERT_OK_AND_ASSIGN(store, Store::open(path_));
    ReadContext context;
    const auto location = store.snapshot().find(git_.oid(revision));
    ASSERT_TRUE(location.has_value());
    ASSERT_OK_AND_ASSIGN(info, store.snapshot().info(*location, context));
    flip_byte(path_ + "/packs/" + store.snapshot().pack_name(location->pack) + ".pack",
              static_cast<std::int64_t>(info.offset + info.entry_bytes - info.stored_size / 2 - 1));
  }

  // Removes the pack of the object, with its indexes.
  void lose_pack(const std::string& revision) {
    ASSERT_OK_AND_ASSIGN(store, Store::open(path_));
    const std::string pack =
        path_ + "/packs/" +
        store.snapshot().pack_name(store.snapshot().find(git_.oid(revision))->pack);
    for (const char* suffix : {".pack", ".idx", ".gitidx"}) fs::remove(pack + suffix);
  }

  static std::size_t count(const std::string& text, const std::string& what) {
    std::size_t found = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
      ++found;
    }
    return found;
  }

  void expect_whole_again() {
    const FinishedRun verified = run({"verify"});
    EXPECT_EQ(verified.status, 0) << verified.err;
    EXPECT_EQ(exported("after.git"), exported_);
    EXPECT_EQ(repair(0)["notes"], json::array());
  }

  GitFixture git_;
  TempDirectory directory_;
  const std::string path_ = directory_ / "store";
  RepositoryState exported_;
};

TEST_F(RepairVerbsTest, WhatIsLostIsNamedAndComesBackFromTheRepository) {
  for (const std::string revision : {"HEAD:dir/two", "HEAD:dir", "HEAD~1:a"}) {
    const std::string oid = git_.oid(revision).to_hex();
    damage(revision);
    const json would = repair(0, {"--dry-run"});
    EXPECT_EQ(would["packs_salvaged"], 1);
    const json lost = repair(3);
    EXPECT_EQ(lost["packs_salvaged"], 1);
    EXPECT_EQ(lost["objects_lost"], 1);
    EXPECT_EQ(lost["lost"], json({oid}));
    EXPECT_THAT(lost["errors"][0]["message"], HasSubstr("--from"));
    EXPECT_THAT(run({"repair"}).err, HasSubstr(oid));
    const json mended = repair(0, {"--from", git_.path()});
    EXPECT_EQ(mended["objects_refetched"], 1);
    EXPECT_EQ(mended["lost"], json::array());
  }
  expect_whole_again();
}

TEST_F(RepairVerbsTest, ALostPackComesBackFromTheRepositoryButForItsRecord) {
  lose_pack("HEAD");
  const json mended = repair(3, {"--from", git_.path()});
  EXPECT_EQ(mended["archives_recovered"], json({"x"}));
  EXPECT_EQ(mended["archives_gone_back"], json({"x"}));
  EXPECT_EQ(run({"verify"}).status, 0);
  EXPECT_EQ(json_lines(run({"log", "x", "--json"}).out).size(), 1u);
}

TEST_F(RepairVerbsTest, ALostPackComesBackFromAnotherStoreWithItsRecord) {
  const std::string backup = directory_ / "backup";
  fs::copy(path_, backup, fs::copy_options::recursive);
  for (const std::string revision : {"HEAD", "HEAD~1"}) {
    lose_pack(revision);
    const json mended = repair(0, {"--from", backup});
    EXPECT_EQ(mended["archives_recovered"], json::array());
    EXPECT_GE(mended["objects_refetched"], 4);
  }
  expect_whole_again();
  EXPECT_EQ(json_lines(run({"log", "x", "--json"}).out).size(), 2u);
}

TEST_F(RepairVerbsTest, WhatTheOtherPlaceDoesNotHaveEitherStaysLost) {
  GitFixture other;
  other.write("b", "other");
  other.commit("other");
  damage("HEAD:dir/two");
  const FinishedRun first = run({"repair", "--from", other.path()});
  EXPECT_EQ(first.status, 3);
  EXPECT_THAT(first.err, HasSubstr(git_.oid("HEAD:dir/two").to_hex()));
  EXPECT_THAT(first.err, HasSubstr("--from"));
  EXPECT_EQ(repair(3, {"--from", other.path()})["objects_refetched"], 0);
  EXPECT_EQ(run({"repair", "--from", directory_ / "nothing"}).status, 4);
  EXPECT_NE(run({"repair", "--from", directory_ / "store/packs"}).status, 0);
}

TEST_F(RepairVerbsTest, WhatIsDamagedInTheOtherPlaceTooStaysLost) {
  const GitOid oid = git_.oid("HEAD:dir/two");
  damage("HEAD:dir/two");
  damage("HEAD:a");
  const std::string loose = git_.loose_path(oid);
  fs::permissions(loose, fs::perms::owner_write, fs::perm_options::add);
  flip_byte(loose, 40);
  const json mended = repair(3, {"--from", git_.path()});
  EXPECT_EQ(mended["objects_refetched"], 1) << "the other one";
  EXPECT_EQ(mended["lost"], json({oid.to_hex()}));
}

// Fifteen files that are deltas against a damaged one.
TEST_F(RepairVerbsTest, OfManyLossesRepairNamesTheFirstAndVerifyAll) {
  constexpr std::size_t kFiles = 15;
  const std::string base = random_text(20'000, 7);
  std::vector<std::string> revisions;
  for (std::size_t i = 0; i <= kFiles; ++i) {
    const std::string name = "many/" + std::to_string(i);
    git_.write(name, base + std::to_string(i));
    revisions.push_back("HEAD:" + name);
  }
  git_.commit("many");
  ASSERT_EQ(run({"import", "git", git_.path(), "--name", "x"}).status, 0);
  std::size_t deltas = 0;
  {
    ASSERT_OK_AND_ASSIGN(store, Store::open(path_));
    ReadContext context;
    for (const std::string& revision : revisions) {
      ASSERT_OK_AND_ASSIGN(
          info, store.snapshot().info(*store.snapshot().find(git_.oid(revision)), context));
      if (info.depth > 0) ++deltas;
      if (info.depth == 0) damage(revision);
    }
  }
  ASSERT_EQ(deltas, kFiles) << "or the test is of another case";
  const FinishedRun folded = run({"repair"});
  EXPECT_EQ(folded.status, 3);
  EXPECT_EQ(count(folded.out, " is lost: it is a delta on "), 10u) << folded.out;
  EXPECT_THAT(folded.out, HasSubstr("lost in damaged packs: 5 more deltas (--verbose"));
  EXPECT_EQ(count(folded.err, " is lost"), 10u) << folded.err;
  EXPECT_THAT(folded.err, HasSubstr("6 more errors (--verbose or --json lists them)"));
  const FinishedRun all = run({"repair", "--verbose"});
  const FinishedRun verified = run({"verify"});
  for (const std::string& revision : revisions) {
    const std::string oid = git_.oid(revision).to_hex();
    EXPECT_THAT(all.err, HasSubstr("object " + oid + " is lost"));
    EXPECT_THAT(verified.out, HasSubstr("lost: blob " + oid));
    EXPECT_THAT(verified.out, HasSubstr("x@0 refs/heads/main: " + revision.substr(5) + "\n"));
  }
  EXPECT_EQ(repair(3)["lost"].size(), revisions.size());
}

// Git has no records: the objects that they named are restored, the records are not. Imports still
// work.
TEST_F(RepairVerbsTest, ARecordThatIsLostKeepsNothingFromBeingImported) {
  lose_pack("HEAD~1:a");
  const json mended = repair(3, {"--from", git_.path()});
  EXPECT_EQ(mended["objects_lost"], 1);
  ASSERT_EQ(mended["errors"].size(), 1u);
  const std::string message = mended["errors"][0]["message"];
  EXPECT_THAT(message, HasSubstr("record x@1 (" + mended["lost"][0].get<std::string>()));
  EXPECT_THAT(message, HasSubstr("give --from another store that has it"));
  EXPECT_THAT(message, HasSubstr("bale archive prune x --keep 1 drops it"));
  // Counts are Git's: with an object of the lost record, one of the record after it, and new ones.
  for (const std::string text : {"one", "two", "three"}) {
    git_.write("a", text);
    git_.write("b", text == "three" ? text : "");
    git_.commit(text + " again");
    const FinishedRun imported = run({"import", "git", git_.path(), "--name", "x", "--json"});
    ASSERT_EQ(imported.status, 0) << imported.err;
    const std::string objects = describe_repository(git_, git_.path()).objects;
    EXPECT_EQ(json::parse(imported.out)["objects"], count(objects, "\n")) << text;
  }
  EXPECT_EQ(run({"list"}).status, 0);  // it reads only the newest record
  EXPECT_EQ(run({"log", "x"}).status, 3);
  const json pruned = json::parse(run({"archive", "prune", "x", "--keep", "4", "--json"}).out);
  EXPECT_EQ(pruned["records_kept"], 4);
  EXPECT_EQ(pruned["older_unreadable"], true);
  EXPECT_EQ(json_lines(run({"list", "--json"}).out)[0]["records"], 4);
  EXPECT_EQ(run({"log", "x"}).status, 0);
  EXPECT_EQ(run({"gc"}).status, 0);
  EXPECT_EQ(run({"verify"}).status, 0);
  EXPECT_EQ(exported("after.git"), describe_repository(git_, git_.path()));
}

TEST_F(RepairVerbsTest, ADryRunForetellsArchivesBehindPacksThatAreToBeMended) {
  damage("HEAD:dir/two");
  fs::remove(path_ + "/archives/x");
  const json would = repair(0, {"--dry-run"});
  EXPECT_EQ(would["archives_recovered"], json({"x"}));
  EXPECT_EQ(would["losses_known"], false);
  EXPECT_THAT(run({"repair", "--dry-run"}).out, HasSubstr("missing objects not checked"));
  const json mended = repair(0, {"--from", git_.path()});
  EXPECT_EQ(mended["archives_recovered"], json({"x"}));
  EXPECT_EQ(mended["losses_known"], true);
  expect_whole_again();
}

TEST_F(RepairVerbsTest, AStoreWithoutItsMarkIsMended) {
  fs::remove(path_ + "/bale-store");
  EXPECT_EQ(run({"list"}).status, 4);
  EXPECT_EQ(repair(0)["notes"].size(), 1u);
  expect_whole_again();
  EXPECT_EQ(run_bale({"repair", "--store", directory_ / "nothing"}).status, 4);
}

}  // namespace
}  // namespace bale::cli
