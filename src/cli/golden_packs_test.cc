// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The verbs on single packs, with packs of another program.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/program_under_test.h"
#include "testing/temp_directory.h"

namespace bale::cli {
namespace {

using nlohmann::json;
using testing::IsEmpty;

std::string golden(const std::string& name, const std::string& file) {
  return golden_directory() + "/" + name + "/" + file;
}

class GoldenPackTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (golden_directory().empty()) GTEST_SKIP() << "the golden packs are not there";
  }

  std::string name_ = GetParam();
  std::string pack_ = golden(name_, name_ + ".pack");
  TempDirectory directory_;
};

TEST_P(GoldenPackTest, DumpIsTheManifestByteForByte) {
  const FinishedRun run = run_bale({"pack", "dump", pack_});
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(run.out, read_file(golden(name_, "manifest.tsv")));
}

TEST_P(GoldenPackTest, VerifyFindsNothingWrong) {
  const FinishedRun run = run_bale({"pack", "verify", pack_, "--json"});
  EXPECT_EQ(run.status, 0) << run.err;
  const json report = json::parse(run.out);
  EXPECT_THAT(report["errors"], IsEmpty());
  EXPECT_EQ(report["objects"], lines_of(read_file(golden(name_, "manifest.tsv"))).size());
}

TEST_P(GoldenPackTest, IndexMadeAnewLeadsToTheSameObjects) {
  const std::string index = directory_ / "new.idx";
  EXPECT_EQ(run_bale({"pack", "index", pack_, index}).status, 0);
  const FinishedRun run = run_bale({"pack", "dump", pack_, "--index", index});
  EXPECT_EQ(run.out, read_file(golden(name_, "manifest.tsv")));
}

TEST_P(GoldenPackTest, ObjectStreamGivesTheSameObjects) {
  const std::string frames = golden(name_, "input.frames");
  if (!std::filesystem::exists(frames)) return;
  std::vector<std::string> words = {"pack", "build", directory_ / "x.pack", "--json"};
  if (name_ == "deltas") words.emplace_back("--paths");
  const FinishedRun built = run_bale(words, read_file(frames));
  EXPECT_EQ(built.status, 0) << built.err;
  const json summary = json::parse(built.out);
  for (const char* key :
       {"objects", "duplicates", "bytes_in", "pack_bytes", "index_bytes", "deltas", "seconds",
        "finish_seconds", "sync_seconds", "peak_rss_bytes", "name"}) {
    EXPECT_TRUE(summary.contains(key)) << key;
  }
  EXPECT_EQ(summary["pack_bytes"], std::filesystem::file_size(directory_ / "x.pack"));
  EXPECT_EQ(summary["index_bytes"], std::filesystem::file_size(directory_ / "x.idx"));
  EXPECT_EQ(run_bale({"pack", "dump", directory_ / "x.pack"}).out,
            read_file(golden(name_, "manifest.tsv")));
  EXPECT_EQ(run_bale({"pack", "verify", directory_ / "x.pack"}).status, 0);
}

TEST_P(GoldenPackTest, ListAndItsJsonSayTheSame) {
  const std::vector<std::string> lines = lines_of(run_bale({"pack", "list", pack_}).out);
  const std::vector<json> objects = json_lines(run_bale({"pack", "list", pack_, "--json"}).out);
  const std::vector<std::string> manifest = lines_of(read_file(golden(name_, "manifest.tsv")));
  ASSERT_EQ(lines.size(), objects.size());
  ASSERT_EQ(lines.size(), manifest.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const json& object = objects[i];
    const std::string expected = std::string(object["id_kind"] == "hash" ? "h" : "c") + "\t" +
                                 object["id"].get<std::string>() + "\t" +
                                 object["type"].get<std::string>() + "\t" +
                                 std::to_string(object["size"].get<std::uint64_t>()) + "\t";
    EXPECT_EQ(lines[i], expected + std::to_string(object["stored_size"].get<std::uint64_t>()) +
                            "\t" + std::to_string(object["offset"].get<std::uint64_t>()) + "\t" +
                            (object["base"].is_null() ? "-" : object["base"].get<std::string>()));
    EXPECT_TRUE(manifest[i].starts_with(expected));
  }
}

TEST_P(GoldenPackTest, CatFindsObjectsByTheirIds) {
  const std::vector<json> objects = json_lines(run_bale({"pack", "list", pack_, "--json"}).out);
  // All of the pack with the odd ids; a few of the others, which only differ in how they store.
  const std::size_t step = name_ == "mixed" ? 1 : 10;
  for (std::size_t i = 0; i < objects.size(); i += step) {
    const FinishedRun run = run_bale({"pack", "cat", pack_, objects[i]["id"]});
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_EQ(run.out.size(), objects[i]["size"].get<std::size_t>());
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenPackTest,
                         testing::Values("deltas", "deltas-nocompress", "empty", "incompressible",
                                         "mixed", "mixed-level19"));

}  // namespace
}  // namespace bale::cli
