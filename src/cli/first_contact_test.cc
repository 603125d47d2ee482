// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A first user's experience: names of every kind, names of the wrong kind, words, and advice that
// must work.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/archived_repository_test.h"
#include "cli/program_under_test.h"

namespace bale::cli {
namespace {

using nlohmann::json;

class FirstContactTest : public ArchivedRepositoryTest {
 protected:
  // The bytes of a name in JSON.
  static std::string name_in(const json& line, const std::string& key) {
    return line.contains(key + "_hex") ? raw(line[key + "_hex"]) : line[key].get<std::string>();
  }
};

TEST_F(FirstContactTest, EveryNameInJsonCanBeGivenBack) {
  const std::vector<std::string> names = {" ",
                                          "a b",
                                          " b ",
                                          "100%",
                                          "a%41b",
                                          "aAb",
                                          "%0A",
                                          "q\"q",
                                          "'",
                                          "back\\slash",
                                          "\\n",
                                          "tab\tx",
                                          "new\nline",
                                          "\r",
                                          "\x1b[2J",
                                          "\x7f",
                                          "latin\xe9",
                                          "\xff",
                                          "\xe2\x82",
                                          "caf\xc3\xa9",
                                          "cafe\xcc\x81",
                                          "\xf0\x9f\x98\x80",
                                          "\xe2\x80\xae"
                                          "txt.exe",
                                          "\xc2\x9b"
                                          "2J",
                                          "-dash",
                                          "--json",
                                          "--",
                                          "{}",
                                          "%%",
                                          "[a,b]",
                                          "c:d",
                                          "@1",
                                          "~",
                                          "...",
                                          std::string(255, 'x')};
  std::map<std::string, std::string> sorted;  // name, blob
  for (const std::string& name : names) {
    write_file(directory_ / "blob", "this is " + name);
    sorted[name] = lines_of(git("hash-object -w '" + directory_ / "blob" + "'")).at(0);
  }
  std::string tree;
  for (const auto& [name, oid] : sorted) tree += "100644 blob " + oid + "\t" + name + '\0';
  write_file(directory_ / "tree", tree);
  const std::string root = lines_of(git("mktree -z < '" + directory_ / "tree" + "'")).at(0);
  const std::string commit = lines_of(git("commit-tree -m names " + root)).at(0);
  std::string updates;
  for (const char* ref :
       {"heads/a%41b", "heads/aAb", "heads/latin\xe9", "tags/\xc3\xbc", "heads/q\"q", "heads/-dash",
        "heads/{}", "heads/x@y", "heads/\xf0\x9f\x98\x80", "heads/refs/heads/main", "x%00y"}) {
    updates += "create refs/" + std::string(ref) + '\0' + commit + '\0';
  }
  write_file(directory_ / "refs", updates);
  git("update-ref -z --stdin < '" + directory_ / "refs" + "'");
  git("symbolic-ref refs/remotes/o/HEAD refs/heads/aAb");
  ASSERT_EQ(run({"import", "git", repository_, "--name", "names"}).status, 0);

  const std::vector<json> refs = json_lines(run({"refs", "names", "--json"}).out);
  EXPECT_EQ(refs.size(), 14u);
  for (const json& ref : refs) {
    const std::string place = "names/" + name_in(ref, "ref");
    const std::string peeled = ref["oid"] == commit ? root : lines_of(git("write-tree")).at(0);
    EXPECT_EQ(json::parse(run({"show", place + ":", "--json"}).out)["oid"], peeled) << place;
  }
  const std::vector<json> entries = json_lines(run({"ls", "names/aAb", "--json"}).out);
  EXPECT_EQ(entries.size(), names.size());
  EXPECT_EQ(lines_of(run({"ls", "names/aAb"}).out).size(), names.size());
  for (const json& entry : entries) {
    const std::string name = name_in(entry, "name");
    EXPECT_EQ(entry["oid"], sorted[name]) << name;
    EXPECT_EQ(run({"cat", "names/aAb:" + name}).out, "this is " + name);
    EXPECT_EQ(json_lines(run({"ls", "names/aAb:" + name, "--json"}).out), std::vector{entry});
  }
  ASSERT_EQ(run({"export", "dir", "names/aAb", directory_ / "out"}).status, 0);
  EXPECT_EQ(names_in(directory_ / "out").size(), names.size());
  for (const std::string& name : names) {
    EXPECT_EQ(read_file(directory_ / "out/" + name), "this is " + name);
  }
}

TEST_F(FirstContactTest, WhatIsNotAnArchiveOrAnObjectIsNamedAsWhatItIs) {
  const std::string blob = "ce013625030ba8dba906f756967f9e9ca394464a";

  struct Case {
    std::vector<std::string> words;
    std::string told;
  };

  const std::vector<Case> cases = {
      {{"cat", "c++"}, "'c++' is an archive, not an object (give c++:PATH; bale ls c++ lists"},
      {{"show", "c++@0"}, "'c++@0' is an archive, not an object (give c++@0:PATH"},
      {{"cat", "nothing"}, "neither an id (6 to 64 hex digits) nor a place in an archive"},
      {{"ls", blob}, "is an object, not an archive (bale show " + blob},
      {{"refs", blob.substr(0, 8)}, "is an object, not an archive"},
      {{"export", "git", repository_, directory_ / "o"}, "is a directory, not an archive"},
      {{"log", "d++"}, "there is no archive 'd++' (did you mean 'c++'?)"},
      {{"cat", "d++:README"}, "(did you mean 'c++:README'?)"},
      {{"archive", "prune", "c++", "--keep", "0"}, "keeps one record"},
      {{"refs", "c++:README"}, "names a place in an archive"},
  };
  for (const Case& wrong : cases) {
    const FinishedRun told = run(wrong.words);
    EXPECT_THAT(told.status, testing::AnyOf(2, 4)) << told.err;
    EXPECT_THAT(told.err, testing::HasSubstr(wrong.told));
    EXPECT_EQ(lines_of(told.err).size(), 1u) << told.err;
  }
}

TEST_F(FirstContactTest, TypesAreInGitsWords) {
  EXPECT_EQ(json::parse(run({"show", "c++:", "--json"}).out)["type"], "tree");
  const json newest = json_lines(run({"log", "c++", "--json"}).out).at(0);
  EXPECT_EQ(json::parse(run({"show", newest["record"], "--json"}).out)["type"], "record");
  for (const json& ref : json_lines(run({"refs", "c++", "--json"}).out)) {
    EXPECT_EQ(json::parse(run({"show", ref["oid"], "--json"}).out)["type"],
              ref["ref"] == "refs/tags/v1" ? "tag" : "commit");
  }
  const json types = json::parse(run({"stats", "--json"}).out)["types"];
  EXPECT_EQ(types["blob"]["objects"], 2);
  EXPECT_EQ(types["tree"]["objects"], 2);
  EXPECT_EQ(types["commit"]["objects"], 1);
  EXPECT_EQ(types["tag"]["objects"], 1);
  EXPECT_EQ(types["record"]["objects"], 1);
  EXPECT_EQ(types.size(), 5u);
}

TEST_F(FirstContactTest, ASoundStoreNeedsNoRepair) {
  EXPECT_EQ(run({"repair"}).out, directory_ / "store: nothing to repair, 0 errors\n");
  EXPECT_EQ(run({"repair", "--dry-run"}).out, directory_ / "store: nothing to repair, 0 errors\n");
}

TEST_F(FirstContactTest, TooLittleMemoryForDeltasIsSaidOnce) {
  const auto import = [&](const std::string& name, std::vector<std::string> more) {
    write_file(repository_ + "/README", name);
    git("commit -q -a -m more");
    more.insert(more.begin(), {"import", "git", repository_, "--name", name});
    return run(more);
  };
  const FinishedRun little = import("a", {"--memory", "24M", "--json"});
  EXPECT_EQ(little.status, 0);
  EXPECT_THAT(little.err, testing::HasSubstr("with --memory 24M, objects above 256K are stored"));
  EXPECT_THAT(little.err, testing::HasSubstr("(give --memory 52M or more)"));
  EXPECT_EQ(lines_of(little.err).size(), 1u);
  EXPECT_EQ(json_lines(little.out).size(), 1u);
  EXPECT_EQ(import("b", {"--memory", "52M"}).err, "");
  EXPECT_EQ(import("c", {}).err, "");
  EXPECT_EQ(import("d", {"--memory", "24M", "--quiet"}).err, "");
  EXPECT_EQ(import("e", {"--memory", "24M", "--no-delta"}).err, "");
}

TEST_F(FirstContactTest, TheMemoryThatAnErrorAsksForIsEnough) {
  const std::string packs = directory_ / "store/packs/";
  std::string pack;
  for (const std::string& name : names_in(packs)) {
    if (name.ends_with(".pack")) pack = packs + name;
  }
  const std::string out = directory_ / "out";
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"pack", "list", pack},
                                             {"pack", "dump", pack},
                                             {"pack", "verify", pack},
                                             {"cat", "c++:README"},
                                             {"ls", "c++"},
                                             {"list"},
                                             {"stats"},
                                             {"refs", "c++"},
                                             {"export", "dir", "c++", out},
                                             {"export", "git", "c++", out + ".git"},
                                             {"verify"},
                                             {"gc"},
                                             {"repack", "--delta"},
                                             {"repair"},
                                             {"archive", "prune", "c++", "--keep", "1"},
                                             {"import", "git", repository_, "--name", "z"}}) {
    const auto with_memory = [&](const std::string& size) {
      std::vector<std::string> all = words;
      all.insert(all.end(), {"--memory", size});
      return run(all);
    };
    const FinishedRun refused = with_memory("1K");
    EXPECT_THAT(refused.status, testing::AnyOf(1, 2)) << words[0];
    const std::size_t end = refused.err.find_last_of("KM");
    const std::size_t begin = refused.err.rfind(' ', end) + 1;
    const std::string enough = refused.err.substr(begin, end + 1 - begin);
    EXPECT_EQ(with_memory(enough).status, 0) << words[0] << " " << enough << ": " << refused.err;
  }
}

}  // namespace
}  // namespace bale::cli
