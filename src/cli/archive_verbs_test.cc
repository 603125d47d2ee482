// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale archive rm, prune and undo, run as by a script, and archives whose names have parts.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "bale/store.h"
#include "cli/program_under_test.h"
#include "testing/archive_fixture.h"
#include "testing/matchers.h"
#include "testing/temp_directory.h"

namespace bale::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class ArchiveVerbsTest : public testing::Test {
 protected:
  // The archives "x", with records of the times 1, 2 and 3, and "y".
  void SetUp() override {
    ASSERT_EQ(run({"init"}).status, 0);
    for (const std::int64_t time : {1, 2, 3}) grow("x", time);
    grow("y", 1);
  }

  void grow(const std::string& name, std::int64_t time) {
    ASSERT_OK_AND_ASSIGN(store, Store::open(path_));
    ASSERT_THAT(grow_archive(store, name, time), IsOk());
  }

  // Removes the record's pack.
  void lose(const std::string& name, std::uint64_t back) {
    ASSERT_OK_AND_ASSIGN(store, Store::open(path_));
    ReadContext context;
    ASSERT_OK_AND_ASSIGN(entry, store.snapshot().record(name, back, context));
    const std::string pack =
        path_ + "/packs/" + store.snapshot().pack_name(store.snapshot().find(entry.id)->pack);
    for (const char* suffix : {".pack", ".idx", ".gitidx"}) std::filesystem::remove(pack + suffix);
  }

  FinishedRun run(std::vector<std::string> words) {
    words.insert(words.end(), {"--store", path_});
    return run_bale(words);
  }

  TempDirectory directory_;
  std::string path_ = directory_ / "store";
};

TEST_F(ArchiveVerbsTest, RmTakesAnArchiveAwayFromEveryVerb) {
  const FinishedRun removed = run({"archive", "rm", "x", "--json"});
  EXPECT_EQ(removed.status, 0) << removed.err;
  const json result = json::parse(removed.out);
  EXPECT_EQ(result.size(), 3u);
  EXPECT_EQ(result["archive"], "x");
  EXPECT_EQ(result["record"].get<std::string>().size(), 64u);
  EXPECT_EQ(result["pack"].get<std::string>().size(), 64u);
  EXPECT_EQ(run({"show", result["record"]}).status, 0);
  const std::vector<json> archives = json_lines(run({"list", "--json"}).out);
  ASSERT_EQ(archives.size(), 1u);
  EXPECT_EQ(archives[0]["name"], "y");
  EXPECT_EQ(lines_of(run({"list"}).out).size(), 1u);
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"log", "x"},
                                             {"log", "x@1"},
                                             {"refs", "x"},
                                             {"ls", "x"},
                                             {"cat", "x:file"},
                                             {"verify", "x"},
                                             {"verify", "x", "--quick"},
                                             {"export", "git", "x", directory_ / "out.git"},
                                             {"export", "dir", "x", directory_ / "out"},
                                             {"archive", "prune", "x", "--keep", "1"},
                                             {"archive", "rm", "x"}}) {
    const FinishedRun gone = run(words);
    EXPECT_EQ(gone.status, 4) << words[0] << ": " << gone.err;
  }
  EXPECT_THAT(run({"log", "x"}).err, HasSubstr("archive x was removed on 2"));
  EXPECT_EQ(json::parse(run({"stats", "--json"}).out)["archives"], 1);
  EXPECT_EQ(run({"verify"}).status, 0);
}

TEST_F(ArchiveVerbsTest, AnArchiveThatCameBackHasOnlyItsNewRecords) {
  EXPECT_THAT(run({"archive", "rm", "x"}).out, HasSubstr("bale gc"));
  grow("x", 10);
  grow("x", 11);
  const std::vector<json> archives = json_lines(run({"list", "--json"}).out);
  ASSERT_EQ(archives.size(), 2u);
  EXPECT_EQ(archives[0]["records"], 2);
  EXPECT_EQ(json_lines(run({"log", "x", "--json"}).out).size(), 2u);
  EXPECT_EQ(run({"log", "x@2"}).status, 4);
}

TEST_F(ArchiveVerbsTest, PruneDropsOlderRecords) {
  const FinishedRun pruned = run({"archive", "prune", "x", "--keep", "2", "--json"});
  EXPECT_EQ(pruned.status, 0) << pruned.err;
  const json result = json::parse(pruned.out);
  const std::vector<json> records = json_lines(run({"log", "x", "--json"}).out);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0]["time"], "1970-01-01T00:00:03Z");
  EXPECT_EQ(records[1]["time"], "1970-01-01T00:00:02Z");
  EXPECT_EQ(result, json({{"archive", "x"},
                          {"records_kept", 2},
                          {"records_dropped", 1},
                          {"older_unreadable", false},
                          {"record", records[0]["record"]},
                          {"pack", result["pack"]},
                          {"dry_run", false}}));
  EXPECT_EQ(result["pack"].get<std::string>().size(), 64u);
  EXPECT_EQ(json_lines(run({"list", "--json"}).out)[0]["records"], 2);
  EXPECT_THAT(run({"archive", "prune", "x", "--keep", "1"}).out, HasSubstr("1 dropped"));
  EXPECT_EQ(run({"verify"}).status, 0);
}

TEST_F(ArchiveVerbsTest, PruneSaysWhereThereIsNothingToDo) {
  const FinishedRun pruned = run({"archive", "prune", "x", "--keep", "3", "--json"});
  EXPECT_EQ(pruned.status, 0) << pruned.err;
  const json result = json::parse(pruned.out);
  EXPECT_EQ(result["records_dropped"], 0);
  EXPECT_EQ(result["records_kept"], 3);
  EXPECT_EQ(result["pack"], nullptr);
  EXPECT_THAT(run({"archive", "prune", "x", "--keep", "3"}).out, HasSubstr("nothing to do"));
}

TEST_F(ArchiveVerbsTest, ADryRunOfPruneSaysWhatWouldGoAndWritesNothing) {
  const std::vector<std::string> before = names_in(path_ + "/archives");
  const FinishedRun pruned = run({"archive", "prune", "x", "--keep", "1", "--dry-run", "--json"});
  EXPECT_EQ(pruned.status, 0) << pruned.err;
  EXPECT_EQ(json::parse(pruned.out),
            json({{"archive", "x"},
                  {"records_kept", 1},
                  {"records_dropped", 2},
                  {"older_unreadable", false},
                  {"record", json_lines(run({"log", "x", "--json"}).out)[0]["record"]},
                  {"pack", nullptr},
                  {"dry_run", true}}));
  EXPECT_EQ(run({"archive", "prune", "x", "--keep", "1", "--dry-run"}).out,
            "x: would keep 1 record, would drop x@1 to x@2\n");
  EXPECT_EQ(run({"archive", "prune", "x", "--keep", "2", "--dry-run"}).out,
            "x: would keep 2 records, would drop x@2\n");
  EXPECT_THAT(run({"archive", "prune", "x", "--keep", "3", "--dry-run"}).out,
              HasSubstr("nothing to do"));
  EXPECT_EQ(run({"archive", "prune", "z", "--keep", "3", "--dry-run"}).status, 4);
  EXPECT_EQ(names_in(path_ + "/archives"), before);
  EXPECT_EQ(json_lines(run({"log", "x", "--json"}).out).size(), 3u);
}

TEST_F(ArchiveVerbsTest, UndoBringsBackWhatWasReleasedUntilGc) {
  const std::string before = run({"log", "x"}).out;
  EXPECT_THAT(run({"archive", "rm", "x"}).out, HasSubstr("bale archive undo x"));
  const FinishedRun undone = run({"archive", "undo", "x", "--json"});
  EXPECT_EQ(undone.status, 0) << undone.err;
  const json result = json::parse(undone.out);
  const std::vector<json> records = json_lines(run({"log", "x", "--json"}).out);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(result, json({{"archive", "x"},
                          {"undone", "rm"},
                          {"records", 3},
                          {"records_back", 3},
                          {"record", records[0]["record"]},
                          {"pack", result["pack"]}}));
  EXPECT_THAT(run({"archive", "prune", "x", "--keep", "1"}).out, HasSubstr("bale archive undo x"));
  EXPECT_EQ(run({"archive", "undo", "x"}).out,
            "x: undid archive prune: 2 records back, 3 in all\n");
  EXPECT_EQ(json_lines(run({"log", "x", "--json"}).out).size(), 3u);
  EXPECT_EQ(run({"gc"}).status, 0);
  EXPECT_EQ(json_lines(run({"log", "x", "--json"}).out).size(), 3u);
  EXPECT_EQ(run({"verify"}).status, 0);

  EXPECT_EQ(run({"archive", "undo", "y"}).status, 4);
  EXPECT_THAT(run({"archive", "undo", "y"}).err, HasSubstr("nothing to undo"));
  EXPECT_EQ(run({"archive", "undo", "z"}).status, 4);
  EXPECT_EQ(run({"archive", "undo"}).status, 2);
  EXPECT_EQ(run({"archive", "rm", "x"}).status, 0);
  EXPECT_EQ(run({"gc"}).status, 0);
  const FinishedRun late = run({"archive", "undo", "x"});
  EXPECT_EQ(late.status, 4);
  EXPECT_THAT(late.err, HasSubstr("bale gc removes it"));
  EXPECT_EQ(run({"list"}).out.substr(0, 2), "y\t");
}

TEST_F(ArchiveVerbsTest, NamesOfPartsAreNamesForEveryVerb) {
  const std::string name = "github.com/owner/repo";
  for (const std::int64_t time : {1, 2}) grow(name, time);
  const std::vector<json> archives = json_lines(run({"list", "--json"}).out);
  ASSERT_EQ(archives.size(), 3u);
  EXPECT_EQ(archives[0]["name"], name);
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"log", name},
                                             {"log", name + "@1"},
                                             {"refs", name},
                                             {"verify", name},
                                             {"archive", "prune", name, "--keep", "1"},
                                             {"archive", "undo", name},
                                             {"archive", "rm", name},
                                             {"archive", "undo", name},
                                             {"gc"},
                                             {"repack"},
                                             {"verify"}}) {
    const FinishedRun done = run(words);
    EXPECT_EQ(done.status, 0) << words[0] << ": " << done.err;
  }
  EXPECT_EQ(json_lines(run({"log", name, "--json"}).out).size(), 2u);
  EXPECT_EQ(run({"log", "github.com/owner"}).status, 4);
  EXPECT_EQ(run({"archive", "rm", "github.com/owner"}).status, 4);
  EXPECT_EQ(run({"log", name + "/"}).status, 2);
}

TEST_F(ArchiveVerbsTest, PruneIsTheWayOutWhereAnOlderRecordIsLost) {
  lose("x", 1);
  const FinishedRun refused = run({"gc"});
  EXPECT_EQ(refused.status, 3);
  EXPECT_THAT(refused.err, HasSubstr("bale archive prune x --keep 1 drops it"));
  EXPECT_EQ(run({"archive", "prune", "x", "--keep", "2"}).status, 3);
  const FinishedRun logged = run({"log", "x"});
  EXPECT_EQ(logged.status, 3);
  EXPECT_THAT(logged.err, HasSubstr("x@1: "));
  const FinishedRun pruned = run({"archive", "prune", "x", "--keep", "1"});
  EXPECT_EQ(pruned.status, 0) << pruned.err;
  EXPECT_THAT(pruned.out, HasSubstr("1 record kept, 0 dropped, and older ones that are lost"));
  EXPECT_EQ(run({"gc"}).status, 0);
  EXPECT_EQ(run({"verify"}).status, 0);
  EXPECT_EQ(run({"list"}).status, 0);
}

TEST_F(ArchiveVerbsTest, DamageOfOneArchiveHidesNoOther) {
  grow("a", 1);
  grow("b", 1);
  lose("b", 0);
  lose("x", 1);
  const std::string bad = path_ + "/archives/a";
  std::filesystem::resize_file(bad, 10);
  const FinishedRun text = run({"list"});
  EXPECT_EQ(text.status, 3);
  ASSERT_EQ(lines_of(text.out).size(), 2u);
  EXPECT_THAT(lines_of(text.out)[0], testing::StartsWith("x\t"));
  EXPECT_THAT(lines_of(text.out)[1], testing::StartsWith("y\t"));
  ASSERT_EQ(lines_of(text.err).size(), 3u) << text.err;
  EXPECT_THAT(lines_of(text.err)[0], HasSubstr("corrupt data: a: "));
  EXPECT_THAT(lines_of(text.err)[1], HasSubstr("corrupt data: b: "));
  EXPECT_THAT(lines_of(text.err)[2], HasSubstr("corrupt data: x@1: "));
  const FinishedRun listed = run({"list", "--json"});
  EXPECT_EQ(listed.status, 3);
  const std::vector<json> archives = json_lines(listed.out);
  ASSERT_EQ(archives.size(), 4u);
  EXPECT_EQ(archives[0]["name"], "a");
  EXPECT_EQ(archives[0]["error"]["code"], "corrupt");
  EXPECT_FALSE(archives[0].contains("record"));
  EXPECT_FALSE(archives[1].contains("record"));
  EXPECT_EQ(archives[2]["records"], 1);
  EXPECT_THAT(archives[2]["error"]["message"].get<std::string>(), HasSubstr("prune x --keep 1"));
  EXPECT_FALSE(archives[3].contains("error"));
  const FinishedRun counted = run({"stats", "--json"});
  EXPECT_EQ(counted.status, 3);
  const json statistics = json::parse(counted.out);
  EXPECT_EQ(statistics["archives"], 4);
  EXPECT_EQ(statistics["records"], 2);
  EXPECT_EQ(statistics["errors"].size(), 3u);
  const FinishedRun shown = run({"stats"});
  EXPECT_EQ(shown.status, 3);
  EXPECT_THAT(shown.out, HasSubstr("archives     4 (2 records)"));
  EXPECT_EQ(lines_of(shown.err).size(), 3u) << shown.err;
}

TEST_F(ArchiveVerbsTest, WhatMakesNoSenseIsAUsageError) {
  EXPECT_EQ(run({"archive", "prune", "x"}).status, 2);
  EXPECT_THAT(run({"archive", "prune", "x"}).err, HasSubstr("--keep N"));
  EXPECT_EQ(run({"archive", "prune", "x", "--keep", "0"}).status, 2);
  EXPECT_EQ(run({"archive", "prune", "x", "--keep", "some"}).status, 2);
  EXPECT_EQ(run({"archive", "rm"}).status, 2);
  EXPECT_EQ(run({"archive", "rm", "x:path"}).status, 2);
  EXPECT_EQ(run({"archive", "rm", "z"}).status, 4);
  EXPECT_EQ(run({"archive", "prune", "z", "--keep", "1"}).status, 4);
  EXPECT_EQ(json_lines(run({"log", "x", "--json"}).out).size(), 3u);
}

TEST_F(ArchiveVerbsTest, HelpTellsThatSpaceComesBackWithGc) {
  EXPECT_THAT(run_bale({"help", "archive", "rm"}).out, HasSubstr("bale gc"));
  EXPECT_THAT(run_bale({"help", "archive", "prune"}).out, HasSubstr("bale gc"));
  EXPECT_THAT(run_bale({"help"}).out, HasSubstr("archive prune"));
}

}  // namespace
}  // namespace bale::cli
