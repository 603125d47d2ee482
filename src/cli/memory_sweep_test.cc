// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Every verb, with any memory from its stated minimum: a verb that works with some memory works
// with more, whatever the sizes of objects, and the advice of messages works.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "cli/archived_repository_test.h"
#include "cli/program_under_test.h"

namespace bale::cli {
namespace {

// From below what most verbs need to the default.
const std::vector<std::string> kMemories = {"16M", "24M", "28M", "36M", "48M", "64M"};

std::string random_letters(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string text(size, ' ');
  for (char& letter : text) letter = static_cast<char>('a' + random() % 26);
  return text;
}

// Two archives. "large" has a tree of 200,000 entries (7 MiB), a commit and a tag with messages of
// 6 MiB: more than a share of the smaller memories. "versions" has 30 versions of a file and of a
// tree of nearly 1 MiB each, the largest objects that are stored as deltas, and a file of 3 MiB.
class MemorySweepTest : public ArchivedRepositoryTest {
 protected:
  void SetUp() override {
    ArchivedRepositoryTest::SetUp();
    make_large();
    make_versions();
    for (const char* branch : {"large", "versions"}) {
      const std::string clone = directory_ / branch;
      git(std::string("clone -q --bare --single-branch --branch ") + branch + " . " + clone);
      ASSERT_EQ(run({"import", "git", clone, "--name", branch}).status, 0);
    }
  }

  std::string hash_object(const std::string& type, const std::string& content) {
    const std::string file = directory_ / "object";
    write_file(file, content);
    return git("hash-object -w --literally -t " + type + " " + file).substr(0, 40);
  }

  void make_large() {
    const std::string blob = raw(hash_object("blob", "x"));
    std::string tree;
    for (int i = 1'000'000; i < 1'200'000; ++i) {
      tree += "100644 f" + std::to_string(i) + '\0' + blob;
    }
    std::string message;
    for (int i = 0; message.size() < std::size_t{6} << 20; ++i) message += std::to_string(i) + "\n";
    const std::string commit = hash_object(
        "commit", "tree " + hash_object("tree", tree) +
                      "\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\n" + message);
    git("update-ref refs/heads/large " + commit);
    git("update-ref refs/tags/large-tag " +
        hash_object("tag", "object " + commit +
                               "\ntype commit\ntag large-tag\ntagger a <a@b> 1 +0000\n\n" +
                               message));
  }

  void make_versions() {
    const std::string text = random_letters(900 << 10, 1);
    std::string stream = "feature done\n";
    const auto data = [](const std::string& content) {
      return "data " + std::to_string(content.size()) + "\n" + content + "\n";
    };
    for (std::size_t version = 0; version < 30; ++version) {
      stream += "commit refs/heads/versions\ncommitter a <a@b> 1 +0000\n" + data("one more");
      const std::string number = std::to_string(version);
      if (version == 0) {
        for (int i = 10'000; i < 36'000; ++i) {
          stream +=
              "M 100644 inline many/" + std::to_string(i) + "\n" + data(std::to_string(i % 100));
        }
        stream += "M 100644 inline large\n" + data(random_letters(3 << 20, 2));
      }
      stream +=
          "M 100644 inline many/" + std::to_string(10'000 + version) + "\n" + data("v" + number);
      stream += "M 100644 inline text\n" +
                data(text.substr(0, version * 20'000) + number + text.substr(version * 20'000));
    }
    const std::string file = directory_ / "stream";
    write_file(file, stream + "done\n");
    git("fast-import --quiet < " + file);
  }

  FinishedRun run_with(std::vector<std::string> words, const std::string& memory) {
    words.insert(words.end(), {"--memory", memory});
    return run(words);
  }

  // The amount in a message: "needs at least 28M of memory", "(give --memory 28M or more)".
  static std::string asked_for(const std::string& message) {
    const std::size_t end = message.find_last_of("KM");
    const std::size_t begin = message.rfind(' ', end) + 1;
    return message.substr(begin, end + 1 - begin);
  }

  // Whether the verb refuses this memory with advice. Follows the advice.
  bool is_refused(const std::vector<std::string>& words, const FinishedRun& run) {
    if (run.status != 2) return false;
    EXPECT_THAT(run.err, testing::HasSubstr("needs at least "));
    const FinishedRun enough = run_with(words, asked_for(run.err));
    EXPECT_EQ(enough.status, 0) << words[0] << " with " << asked_for(run.err) << ": " << enough.err;
    return true;
  }

  void sweep(const std::vector<std::string>& words, const std::function<void()>& prepare = {}) {
    for (const std::string& memory : kMemories) {
      if (prepare) prepare();
      const FinishedRun done = run_with(words, memory);
      if (is_refused(words, done)) continue;
      EXPECT_EQ(done.status, 0) << words[0] << " " << words.back() << " with " << memory << ": "
                                << done.err;
    }
  }

  void remove(const std::string& name) { std::filesystem::remove_all(directory_ / name); }
};

TEST_F(MemorySweepTest, VerbsThatRead) {
  for (const std::string name : {"large", "versions"}) {
    sweep({"show", name + ":"});
    sweep({"log", name});
    sweep({"verify", name});
    sweep({"export", "git", name, directory_ / "out.git"}, [&] { remove("out.git"); });
  }
  sweep({"cat", "large/large-tag:f1199999"});
  EXPECT_EQ(run_with({"export", "dir", "versions", directory_ / "out"}, "16M").status, 0);
  sweep({"ls", "versions:many"});
  EXPECT_EQ(run_with({"ls", "large"}, "16M").status, 0);
  sweep({"stats"});
  sweep({"verify"});
  sweep({"verify", "--quick"});
  sweep({"verify", "--sample", "20%"});
  sweep({"repair", "--dry-run"});
}

TEST_F(MemorySweepTest, VerbsThatWrite) {
  sweep({"import", "git", directory_ / "versions", "--name", "again"}, [&] {
    run({"archive", "rm", "again"});
  });
  sweep({"import", "git", directory_ / "large", "--name", "again", "--new-source"}, [&] {
    run({"archive", "rm", "again"});
  });
  sweep({"repack", "--recompress"});
  sweep({"repack", "--delta"});
  sweep({"repair"});
  EXPECT_EQ(run({"verify"}).status, 0);
}

TEST_F(MemorySweepTest, ACollectionCopiesWhatIsNeeded) {
  // The newest pack is partly needed: it has an unreachable commit.
  int number = 0;
  const auto make_garbage = [&] {
    const std::string clone = directory_ / "large";
    const std::string tree = git("rev-parse large^{tree}").substr(0, 40);
    git("-C " + clone + " update-ref refs/heads/large " +
        git("-C " + clone + " commit-tree -m " + std::to_string(++number) + " " + tree));
    run({"import", "git", clone, "--name", "large"});
    run({"archive", "prune", "large", "--keep", "1"});
  };
  sweep({"gc"}, make_garbage);
  sweep({"archive", "undo", "large"}, [&] { run({"archive", "rm", "large"}); });
  EXPECT_EQ(run({"verify"}).status, 0);
}

TEST_F(MemorySweepTest, AMessageAboutMemoryNamesAValueThatWorks) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"ls", "versions:many"},
                                             {"cat", "large:f1000000"},
                                             {"show", "large:"},
                                             {"cat", "versions:text"},
                                             {"list"}}) {
    for (const char* memory : {"1K", "1M", "4M"}) {
      const FinishedRun refused = run_with(words, memory);
      if (refused.status == 0) continue;
      EXPECT_THAT(refused.err, testing::HasSubstr("(give --memory ")) << memory;
      EXPECT_EQ(refused.status, 1) << refused.err;
      const FinishedRun enough = run_with(words, asked_for(refused.err));
      EXPECT_EQ(enough.status, 0) << words[0] << " " << refused.err << enough.err;
    }
  }
}

}  // namespace
}  // namespace bale::cli
