// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The verbs that read a store, run on one created with the library.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "bale/store.h"
#include "cli/program_under_test.h"
#include "store/core/staged_pack.h"
#include "testing/matchers.h"
#include "testing/temp_directory.h"

namespace bale::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr std::string_view kBlob = "hello\n";
constexpr const char* kBlobOid = "ce013625030ba8dba906f756967f9e9ca394464a";

class StoreVerbsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(run({"init"}).status, 0);
    import(0);
    import(1);
  }

  // Like an import: adds an object, a record and the archive's pointer.
  void import(int number) {
    ASSERT_OK_AND_ASSIGN(store, Store::open(path_));
    ASSERT_OK_AND_ASSIGN(staged, StagedPack::create(store, GitHash::kSha1, {.sync = false}));
    const std::string payload = number == 0 ? std::string(kBlob) : std::string(5000, 'x');
    const GitOid oid = git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes(payload));
    ASSERT_THAT(staged->add(oid, ObjectType::kBlob, as_bytes(payload)), IsOk());
    Record record;
    record.archive = "c++";
    record.hash = GitHash::kSha1;
    record.source = "/srv/100%/c\xff";
    record.time = 1'000'000'000 + number;
    record.head = "ref: refs/heads/main";
    record.refs["refs/heads/main"] = oid;
    record.refs["refs/tags/v%\xff"] = oid;
    record.symrefs["refs/remotes/origin/HEAD"] = "refs/heads/main";
    record.objects = static_cast<std::uint64_t>(number) + 1;
    record.objects_new = 1;
    record.version = "0.1.0";
    if (number > 0) record.previous = newest_;
    ASSERT_OK_AND_ASSIGN(id, staged->add_record(record));
    ASSERT_THAT(staged->install(), IsOk());
    ASSERT_THAT(move_archive(store, record.archive, id, false), IsOk());
    newest_ = id;
  }

  FinishedRun run(std::vector<std::string> words) {
    words.insert(words.end(), {"--store", path_});
    return run_bale(words);
  }

  TempDirectory directory_;
  std::string path_ = directory_ / "store";
  ObjectId newest_;
};

TEST_F(StoreVerbsTest, InitRefusesADirectoryThatIsNotEmpty) {
  const FinishedRun again = run({"init", "--json"});
  EXPECT_EQ(again.status, 2);
  EXPECT_EQ(json::parse(again.out)["error"]["code"], "invalid_argument");
}

TEST_F(StoreVerbsTest, InitNamesTheStore) {
  const std::string path = directory_ / "other";
  const FinishedRun run = run_bale({"init", "--store", path, "--json"});
  EXPECT_EQ(json::parse(run.out), json({{"store", path}}));
  EXPECT_EQ(run_bale({"list", "--store", path, "--json"}).out, "");
}

TEST_F(StoreVerbsTest, TheVariableNamesTheStoreToo) {
  EXPECT_EQ(run_bale({"list"}).status, 2);
  const FinishedRun list = ProgramRun({"list"}, {}, {}, path_).finish();
  EXPECT_EQ(list.status, 0) << list.err;
  EXPECT_EQ(list.out, run({"list"}).out);
  EXPECT_EQ(run_bale({"list", "--store", directory_ / "none"}).status, 4);
}

TEST_F(StoreVerbsTest, ListTellsOfArchives) {
  const std::vector<json> archives = json_lines(run({"list", "--json"}).out);
  ASSERT_EQ(archives.size(), 1u);
  EXPECT_EQ(archives[0], json({{"name", "c++"},
                               {"kind", "git"},
                               {"record", newest_.to_hex()},
                               {"records", 2},
                               {"objects", 2},
                               {"time", "2001-09-09T01:46:41Z"},
                               {"source", "/srv/100%/c\xef\xbf\xbd"},
                               {"source_hex", "2f7372762f313030252f63ff"},
                               {"missing", 0}}));
  EXPECT_EQ(run({"list"}).out, "c++\tgit\t" + newest_.to_hex() +
                                   "\t2\t2\t2001-09-09T01:46:41Z\t\"/srv/100%/c\\377\"\t0\n");
}

TEST_F(StoreVerbsTest, LogGoesFromTheNewestRecordBack) {
  const std::vector<json> records = json_lines(run({"log", "c++", "--json"}).out);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0]["record"], newest_.to_hex());
  EXPECT_EQ(records[0]["refs"], 3);
  EXPECT_EQ(records[0]["objects"], 2);
  EXPECT_EQ(records[1]["time"], "2001-09-09T01:46:40Z");
  EXPECT_EQ(records[1]["objects_new"], 1);
  EXPECT_EQ(records[1]["missing"], 0);
  EXPECT_EQ(lines_of(run({"log", "c++@1"}).out).size(), 1u);
  EXPECT_EQ(run({"log", "c++@2"}).status, 4);
  EXPECT_EQ(run({"log", "none"}).status, 4);
  EXPECT_EQ(run({"log", "c++:path"}).status, 2);
  EXPECT_EQ(run({"log", "a/b/c"}).status, 4);
}

TEST_F(StoreVerbsTest, RefsAreSortedAndEncoded) {
  const std::vector<json> refs = json_lines(run({"refs", "c++@1", "--json"}).out);
  ASSERT_EQ(refs.size(), 3u);
  EXPECT_EQ(refs[0], json({{"ref", "refs/heads/main"}, {"oid", kBlobOid}}));
  EXPECT_EQ(refs[1], json({{"ref", "refs/remotes/origin/HEAD"},
                           {"oid", kBlobOid},
                           {"target", "refs/heads/main"}}));
  EXPECT_EQ(refs[2], json({{"ref", "refs/tags/v%\xef\xbf\xbd"},
                           {"ref_hex", "726566732f746167732f7625ff"},
                           {"oid", kBlobOid}}));
  EXPECT_THAT(run({"refs", "c++@1"}).out, HasSubstr("refs/heads/main\t" + std::string(kBlobOid)));
}

TEST_F(StoreVerbsTest, CatGivesTheBytesByAnyId) {
  const std::string id = content_hash(ObjectType::kBlob, as_bytes(kBlob)).to_hex();
  for (const std::string& name :
       {std::string(kBlobOid), std::string(kBlobOid).substr(0, 6), id, id.substr(0, 10)}) {
    const FinishedRun cat = run({"cat", name, "--json"});
    EXPECT_EQ(cat.status, 0) << cat.err;
    EXPECT_EQ(cat.out, kBlob);
  }
  EXPECT_EQ(run({"cat", "0000000000"}).status, 4);
  EXPECT_EQ(run({"cat", "xyz"}).status, 2);
}

TEST_F(StoreVerbsTest, ShowFindsTheGitIdWhicheverWayItIsAsked) {
  const std::string id = content_hash(ObjectType::kBlob, as_bytes(kBlob)).to_hex();
  const json by_oid = json::parse(run({"show", kBlobOid, "--json"}).out);
  EXPECT_EQ(by_oid, json::parse(run({"show", id, "--json"}).out));
  EXPECT_EQ(by_oid["id"], id);
  EXPECT_EQ(by_oid["oid"], kBlobOid);
  EXPECT_EQ(by_oid["type"], "blob");
  EXPECT_EQ(by_oid["size"], kBlob.size());
  EXPECT_EQ(by_oid["stored_size"], kBlob.size());
  EXPECT_EQ(by_oid["offset"], 16);
  EXPECT_EQ(by_oid["base"], nullptr);
  EXPECT_EQ(by_oid["depth"], 0);
  EXPECT_EQ(by_oid["pack"].get<std::string>().size(), 64u);
  EXPECT_EQ(json::parse(run({"show", newest_.to_hex(), "--json"}).out)["oid"], nullptr);
  EXPECT_EQ(lines_of(run({"show", id}).out).size(), 9u);
}

}  // namespace
}  // namespace bale::cli
