// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Imports and exports of Git repositories, run as by a script.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/archived_repository_test.h"
#include "cli/program_under_test.h"

namespace bale::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;

class GitVerbsTest : public ArchivedRepositoryTest {};

TEST_F(GitVerbsTest, ImportTellsThatNothingChanged) {
  const FinishedRun again = run({"import", "git", repository_, "--name", "c++", "--json"});
  ASSERT_EQ(again.status, 0) << again.err;
  const json summary = json::parse(again.out);
  EXPECT_EQ(summary["unchanged"], true);
  EXPECT_EQ(summary["objects"], 6);
  EXPECT_EQ(summary["objects_new"], 0);
  EXPECT_EQ(summary["pack"], "");
  EXPECT_EQ(run({"import", "git", repository_, "--name", "c++"}).out,
            "c++: unchanged (6 objects)\n");
  EXPECT_EQ(json_lines(run({"log", "c++", "--json"}).out).size(), 1u);
}

TEST_F(GitVerbsTest, ImportRefusesAnEmptyNameAndAnotherRepositoryOfTheSameName) {
  for (const std::vector<std::string>& name :
       {std::vector<std::string>{"--name", ""}, std::vector<std::string>{"--name="}}) {
    std::vector<std::string> words = {"import", "git", repository_};
    words.insert(words.end(), name.begin(), name.end());
    EXPECT_EQ(run(words).status, 2);
  }
  const std::string other = directory_ / "other";
  git("init --quiet " + other);
  const FinishedRun refused = run({"import", "git", other, "--name", "c++"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, HasSubstr("--new-source"));
  EXPECT_EQ(run({"import", "git", other, "--name", "c++", "--new-source"}).status, 0);
  EXPECT_EQ(json_lines(run({"list", "--json"}).out)[0]["records"], 2);
}

TEST_F(GitVerbsTest, ImportTellsWhatItDidAndBringsOnlyWhatIsNew) {
  git("branch another");
  const FinishedRun again = run({"import", "git", repository_, "--name", "c++", "--json"});
  ASSERT_EQ(again.status, 0) << again.err;
  const json summary = json::parse(again.out);
  EXPECT_EQ(summary["archive"], "c++");
  EXPECT_EQ(summary["objects"], 6);
  EXPECT_EQ(summary["objects_new"], 0);
  EXPECT_EQ(summary["unchanged"], false);
  for (const char* key : {"record", "pack", "bytes_in", "pack_bytes", "index_bytes", "deltas",
                          "missing", "seconds", "peak_rss_bytes", "children_peak_rss_bytes"}) {
    EXPECT_TRUE(summary.contains(key)) << key;
  }
  EXPECT_EQ(json_lines(run({"log", "c++", "--json"}).out).size(), 2u);
  EXPECT_EQ(json_lines(run({"list", "--json"}).out)[0]["records"], 2);
}

TEST_F(GitVerbsTest, RefsAreThoseOfTheRepository) {
  std::string expected;
  for (const json& ref : json_lines(run({"refs", "c++", "--json"}).out)) {
    expected += ref["oid"].get<std::string>() + " " + ref["ref"].get<std::string>() + "\n";
  }
  EXPECT_EQ(git("show-ref"), expected);
}

TEST_F(GitVerbsTest, LsListsTreesAndFiles) {
  const std::vector<json> root = json_lines(run({"ls", "c++", "--json"}).out);
  ASSERT_EQ(root.size(), 2u);
  EXPECT_EQ(root[0], json({{"mode", "100644"},
                           {"type", "blob"},
                           {"oid", "ce013625030ba8dba906f756967f9e9ca394464a"},
                           {"size", 6},
                           {"name", "README"}}));
  EXPECT_EQ(root[1]["mode"], "040000");
  EXPECT_EQ(root[1]["size"], nullptr);
  for (const char* place : {"c++:sub", "c++@0:sub", "c++/v1:sub/", "c++/main:sub/100%.txt"}) {
    const std::vector<json> items = json_lines(run({"ls", place, "--json"}).out);
    ASSERT_EQ(items.size(), 1u) << place;
    EXPECT_EQ(items[0]["name"], "100%.txt");
  }
  EXPECT_EQ(run({"ls", "c++:none"}).status, 4);
  EXPECT_EQ(run({"ls", "c++/none:sub"}).status, 4);
  EXPECT_EQ(run({"ls", "c++:../x"}).status, 2);
}

TEST_F(GitVerbsTest, AnEntryWhoseModeContradictsItsObjectIsShownAndExportedByTheObjectsType) {
  const std::string sub = git("rev-parse HEAD:sub").substr(0, 40);
  const std::string commit = git("rev-parse HEAD").substr(0, 40);
  // Only this tree may link to the object: git would refuse another type elsewhere.
  const auto import_tree = [&](const std::string& name, const std::string& entry,
                               const std::string& oid) {
    write_file(directory_ / "tree", "100644 " + entry + '\0' + raw(oid));
    const std::string tree =
        git("hash-object --literally -t tree -w '" + directory_ / "tree" + "'");
    git("update-ref refs/heads/main $(git -C '" + repository_ + "' commit-tree -m odd " +
        tree.substr(0, 40) + ")");
    ASSERT_EQ(run({"import", "git", repository_, "--name", name}).status, 0);
  };
  git("tag -d v1");
  import_tree("a", "dir", sub);
  const json item = json_lines(run({"ls", "a", "--json"}).out).at(0);
  EXPECT_EQ(item["mode"], "100644");
  EXPECT_EQ(item["type"], "tree");
  EXPECT_EQ(item["size"], nullptr);
  EXPECT_EQ(run({"ls", "a"}).out, "100644\ttree\t" + sub + "\t-\tdir\n");
  const FinishedRun whole = run({"export", "dir", "a", directory_ / "whole", "--json"});
  EXPECT_EQ(whole.status, 0);
  EXPECT_EQ(json::parse(whole.out)["mismatched_entries"], 1);
  EXPECT_EQ(whole.err, "bale: dir: its mode is 100644, but its object " + sub +
                           " is a tree: written as a directory\n");
  EXPECT_EQ(read_file(directory_ / "whole/dir/100%.txt"), "deep\n");

  import_tree("b", "commit", commit);
  const FinishedRun partial = run({"export", "dir", "b", directory_ / "partial", "--quiet"});
  EXPECT_EQ(partial.status, 5);
  EXPECT_EQ(partial.err, "bale: commit: skipped: its object " + commit +
                             " is a commit, not a file or a directory\n");
  EXPECT_THAT(names_in(directory_ / "partial"), IsEmpty());
}

TEST_F(GitVerbsTest, CatAndShowTakePaths) {
  EXPECT_EQ(run({"cat", "c++:README"}).out, "hello\n");
  EXPECT_EQ(run({"cat", "c++/refs/tags/v1:sub/100%.txt"}).out, "deep\n");
  EXPECT_EQ(run({"cat", "c++:none"}).status, 4);
  EXPECT_EQ(json::parse(run({"show", "c++:README", "--json"}).out)["oid"],
            "ce013625030ba8dba906f756967f9e9ca394464a");
}

TEST_F(GitVerbsTest, TheLongestNameOfAnArchiveEndsWhereItsRefBegins) {
  const std::string name = "host.org/owner/repo";
  ASSERT_EQ(run({"import", "git", repository_, "--name", name}).status, 0);
  for (const std::string& place : std::vector<std::string>{
           name + ":README", name + "@0:README", name + "/main:README", name + "@0/v1:README",
           name + "/refs/heads/main:README", "c++/main:README"}) {
    EXPECT_EQ(run({"cat", place}).out, "hello\n") << place;
  }
  EXPECT_EQ(run({"ls", name + "/main"}).status, 0);
  EXPECT_EQ(run({"export", "dir", name + "/main:sub", directory_ / "sub"}).status, 0);
  EXPECT_EQ(run({"export", "git", name, directory_ / "repo.git"}).status, 0);
  const FinishedRun unknown = run({"cat", "host.org/other/main:README"});
  EXPECT_EQ(unknown.status, 4);
  EXPECT_THAT(unknown.err, HasSubstr("host.org/other/main, host.org/other, host.org "));
  for (const char* other : {"host.org", "host.org/owner/repo/x", "c++/x"}) {
    const FinishedRun refused = run({"import", "git", repository_, "--name", other});
    EXPECT_EQ(refused.status, 2) << other;
    EXPECT_THAT(refused.err, HasSubstr("path prefix")) << other;
  }
}

TEST_F(GitVerbsTest, FirstImportsAtOnceMakeOneStoreThoughOneFails) {
  for (int round = 0; round < 3; ++round) {
    const std::string store = directory_ / ("new" + std::to_string(round));
    std::vector<std::unique_ptr<ProgramRun>> runs;
    for (int i = 0; i < 12; ++i) {
      const std::string source = i % 4 == 0 ? directory_ / "none" : repository_;
      runs.push_back(std::make_unique<ProgramRun>(std::vector<std::string>{
          "import", "git", source, "--name", "a" + std::to_string(i) + "/x", "--store", store}));
    }
    for (int i = 0; i < 12; ++i) {
      const FinishedRun done = runs[static_cast<std::size_t>(i)]->finish();
      if (i % 4 == 0) continue;
      EXPECT_EQ(done.status, 0) << done.err;
    }
    EXPECT_EQ(lines_of(run_bale({"list", "--store", store}).out).size(), 9u);
  }
}

TEST_F(GitVerbsTest, WhatAKilledExportLeftGoesWithTheNextOne) {
  const std::string left = directory_ / "out.git.part-aB3xYz";
  const std::string others = directory_ / "other.git.part-aB3xYz";
  for (const std::string& path : {left, others}) {
    std::filesystem::create_directories(path + "/objects/pack");
    write_file(path + "/objects/pack/tmp_pack_x", "half");
  }
  ASSERT_EQ(run({"export", "git", "c++", directory_ / "out.git"}).status, 0);
  EXPECT_FALSE(std::filesystem::exists(left));
  EXPECT_TRUE(std::filesystem::exists(others));
}

TEST_F(GitVerbsTest, ExportGivesTheSameRepositoryBack) {
  const std::string out = directory_ / "out.git";
  const FinishedRun exported = run({"export", "git", "c++", out, "--json"});
  ASSERT_EQ(exported.status, 0) << exported.err;
  EXPECT_EQ(json::parse(exported.out)["objects"], 6);
  EXPECT_EQ(git("--git-dir='" + out + "' show-ref --head"), git("show-ref --head"));
  git("--git-dir='" + out + "' fsck --strict --full");
  EXPECT_EQ(run({"export", "git", "c++", out}).status, 2);
}

TEST_F(GitVerbsTest, ExportDirWritesTheFiles) {
  const std::string out = directory_ / "out";
  const FinishedRun exported = run({"export", "dir", "c++", out, "--json"});
  ASSERT_EQ(exported.status, 0) << exported.err;
  EXPECT_EQ(json::parse(exported.out), json({{"files", 2},
                                             {"bytes_out", 11},
                                             {"skipped", 0},
                                             {"mismatched_entries", 0},
                                             {"notes", json::array()}}));
  EXPECT_EQ(read_file(out + "/sub/100%.txt"), "deep\n");
}

TEST_F(GitVerbsTest, VerifyFindsDamage) {
  for (const char* how : {"--quick", "--full"}) {
    const FinishedRun good = run({"verify", how, "--json"});
    EXPECT_EQ(good.status, 0) << good.err;
    EXPECT_THAT(json::parse(good.out)["errors"], IsEmpty());
  }
  EXPECT_EQ(run({"verify", "--quick", "--full"}).status, 2);
  EXPECT_EQ(run({"verify", "none"}).status, 4);
  const std::string packs = directory_ / "store/packs/";
  for (const std::string& name : names_in(packs)) {
    if (!name.ends_with(".pack")) continue;
    std::string bytes = read_file(packs + name);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    std::filesystem::permissions(packs + name, std::filesystem::perms::owner_all);
    write_file(packs + name, bytes);
  }
  const FinishedRun damaged = run({"verify", "--json"});
  EXPECT_EQ(damaged.status, 3);
  EXPECT_THAT(json::parse(damaged.out)["errors"], testing::Not(IsEmpty()));
  EXPECT_EQ(run({"verify", "c++"}).status, 3);
}

TEST_F(GitVerbsTest, VerifyTellsWhatALossTouchesAndWhatIsDebris) {
  const json whole = json::parse(run({"verify", "--json"}).out);
  EXPECT_THAT(whole["lost"], IsEmpty());
  EXPECT_THAT(whole["debris"], IsEmpty());
  EXPECT_FALSE(whole.contains("sample_seed"));
  // The objects of a second import are lost, except its record.
  write_file(repository_ + "/sub/new 100%.txt", "new\n");
  git("add -A");
  git("commit -q -m two");
  const std::string commit = git("rev-parse HEAD").substr(0, 40);
  ASSERT_EQ(run({"import", "git", repository_, "--name", "c++"}).status, 0);
  const std::string packs = directory_ / "store/packs/";
  for (const std::string& name : names_in(packs)) {
    if (!name.ends_with(".gitidx") ||
        read_file(packs + name).find(raw(commit)) == std::string::npos) {
      continue;
    }
    std::filesystem::remove(packs + name);
  }
  write_file(packs + "100%", "not ours");
  const FinishedRun damaged = run({"verify", "--json"});
  EXPECT_EQ(damaged.status, 3);
  const json report = json::parse(damaged.out);
  ASSERT_EQ(report["lost"].size(), 1u) << damaged.out;
  const json& lost = report["lost"][0];
  EXPECT_EQ(lost["oid"], commit);
  EXPECT_THAT(lost["paths"], IsEmpty());
  ASSERT_EQ(lost["touches"].size(), 1u);
  EXPECT_EQ(lost["touches"][0],
            json({{"archive", "c++"}, {"record", "c++@0"}, {"ref", "refs/heads/main"}}));
  ASSERT_EQ(report["debris"].size(), 1u);
  const FinishedRun text = run({"verify"});
  EXPECT_EQ(text.status, 3);
  EXPECT_NE(text.out.find("lost: object " + commit), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("\n  c++@0 refs/heads/main\n"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("\ndebris: " + packs + "100%: "), std::string::npos) << text.out;
}

TEST_F(GitVerbsTest, VerifyNamesAnArchiveWhoseFileIsGone) {
  const json newest = json_lines(run({"log", "c++", "--json"}).out)[0];
  ASSERT_TRUE(std::filesystem::remove(directory_ / "store/archives/c++"));
  for (const std::vector<std::string>& how :
       std::vector<std::vector<std::string>>{{}, {"--quick"}, {"--sample", "50%"}}) {
    std::vector<std::string> words = {"verify"};
    words.insert(words.end(), how.begin(), how.end());
    const FinishedRun text = run(words);
    EXPECT_EQ(text.status, 0) << "no byte of it is lost: " << text.err;
    EXPECT_NE(text.out.find("archive without a file: c++: "), std::string::npos) << text.out;
    EXPECT_NE(text.out.find(newest["record"]), std::string::npos) << text.out;
    EXPECT_NE(text.out.find(newest["time"]), std::string::npos) << text.out;
    EXPECT_NE(text.out.find("bale repair restores it"), std::string::npos) << text.out;
    words.emplace_back("--json");
    EXPECT_EQ(json::parse(run(words).out)["archives_without_file"],
              json::array({{{"archive", "c++"},
                            {"record", newest["record"]},
                            {"time", newest["time"]},
                            {"removed", false}}}));
  }
  EXPECT_EQ(run({"repair"}).status, 0);
  const json mended = json::parse(run({"verify", "--json"}).out);
  EXPECT_THAT(mended["archives_without_file"], IsEmpty());
}

TEST_F(GitVerbsTest, VerifyTakesSamples) {
  const FinishedRun all = run({"verify", "--sample", "100%", "--json"});
  EXPECT_EQ(all.status, 0) << all.err;
  EXPECT_EQ(json::parse(all.out)["objects"], 7);
  EXPECT_TRUE(json::parse(all.out)["sample_seed"].is_number());
  const FinishedRun some = run({"verify", "--sample", "0.5%", "--seed", "12", "--json"});
  EXPECT_EQ(some.status, 0) << some.err;
  EXPECT_EQ(json::parse(some.out)["sample_seed"], 12);
  for (const char* bad : {"5", "0%", "101%", "x%", "%", "-1%", "nan%"}) {
    EXPECT_EQ(run({"verify", "--sample", bad}).status, 2) << bad;
  }
  EXPECT_EQ(run({"verify", "--sample", "5%", "--quick"}).status, 2);
  EXPECT_EQ(run({"verify", "--sample", "5%", "--full"}).status, 2);
  EXPECT_EQ(run({"verify", "--sample", "5%", "c++"}).status, 2);
  EXPECT_EQ(run({"verify", "--seed", "5"}).status, 2);
}

TEST_F(GitVerbsTest, StatsCountWhatIsThere) {
  const json statistics = json::parse(run({"stats", "--json"}).out);
  EXPECT_EQ(statistics["archives"], 1);
  EXPECT_EQ(statistics["objects"], 7);  // and the record
  EXPECT_EQ(statistics["types"]["blob"]["objects"], 2);
  EXPECT_EQ(run({"stats"}).status, 0);
}

TEST_F(GitVerbsTest, WhatASourceLacksIsToldByEachVerb) {
  const std::string commit = git("rev-parse HEAD").substr(0, 40);
  const std::string file =
      repository_ + "/.git/objects/" + commit.substr(0, 2) + "/" + commit.substr(2);
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  write_file(file, "");
  const FinishedRun refused = run({"import", "git", repository_, "--name", "x"});
  EXPECT_EQ(refused.status, 5);
  EXPECT_THAT(refused.err, HasSubstr(file));
  EXPECT_THAT(refused.err, HasSubstr("HEAD"));
  const FinishedRun imported =
      run({"import", "git", repository_, "--name", "x", "--allow-missing", "--json", "--quiet"});
  ASSERT_EQ(imported.status, 0) << imported.err;
  const json summary = json::parse(imported.out);
  EXPECT_EQ(summary["missing"], 1);
  EXPECT_EQ(summary["missing_empty"], 1);
  EXPECT_EQ(summary["missing_refs"], json({"refs/heads/main", "HEAD"}));
  EXPECT_THAT(imported.err, HasSubstr("HEAD leads to a missing object"));
  EXPECT_EQ(json::parse(run({"stats", "--json"}).out)["missing"], 1);
  const json checked = json::parse(run({"verify", "--json"}).out);
  EXPECT_EQ(checked["missing"], 1);
  EXPECT_EQ(checked["missing_in"],
            json::array({{{"archive", "x"}, {"missing", 1}, {"records", 1}}}));
  EXPECT_THAT(run({"verify", "x"}).out, HasSubstr("1 missing"));
  const FinishedRun exported =
      run({"export", "git", "x", directory_ / "x.git", "--json", "--quiet"});
  EXPECT_EQ(exported.status, 0);
  EXPECT_EQ(json::parse(exported.out)["missing"], 1);
  EXPECT_THAT(exported.err, HasSubstr("HEAD leads to a missing object"));
}

TEST_F(GitVerbsTest, BadRefsAreNamedAndSkipped) {
  write_file(repository_ + "/.git/refs/desktop.ini", "[.ShellClassInfo]");
  write_file(repository_ + "/.git/refs/heads/main (copy)", git("rev-parse HEAD"));
  const FinishedRun refused = run({"import", "git", repository_, "--name", "x"});
  EXPECT_EQ(refused.status, 5);
  for (const char* name : {"desktop.ini", "main (copy)", "--skip-bad-refs"}) {
    EXPECT_THAT(refused.err, HasSubstr(name));
  }
  const FinishedRun skipped =
      run({"import", "git", repository_, "--name", "x", "--skip-bad-refs", "--json"});
  ASSERT_EQ(skipped.status, 0) << skipped.err;
  EXPECT_EQ(json::parse(skipped.out)["bad_refs"].size(), 2u);
  EXPECT_THAT(skipped.err, HasSubstr("main (copy)"));
}

TEST_F(GitVerbsTest, WhatIsNoRepositoryIsRefused) {
  const FinishedRun run_of_nothing = run({"import", "git", directory_ / "nothing", "--json"});
  EXPECT_TRUE(run_of_nothing.status == 2 || run_of_nothing.status == 4) << run_of_nothing.status;
  EXPECT_TRUE(json::parse(run_of_nothing.out).contains("error"));
  EXPECT_EQ(json_lines(run({"list", "--json"}).out).size(), 1u);
}

}  // namespace
}  // namespace bale::cli
