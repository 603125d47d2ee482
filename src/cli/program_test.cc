// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The whole program: its help, its command line, and exit statuses for usage errors.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "cli/program_under_test.h"
#include "cli/verbs.h"
#include "testing/temp_directory.h"

namespace bale::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::vector<std::string> words_of(const Verb& verb) {
  std::vector<std::string> words;
  if (!verb.group.empty()) words.emplace_back(verb.group);
  words.emplace_back(verb.name);
  return words;
}

std::vector<std::string> operator+(std::vector<std::string> words,
                                   const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// One line on standard error with the usual prefix.
void expect_one_error_line(const FinishedRun& run) {
  EXPECT_THAT(run.err, StartsWith("bale: "));
  EXPECT_EQ(lines_of(run.err).size(), 1u) << run.err;
}

TEST(ProgramTest, AloneItTellsOfAllVerbs) {
  const FinishedRun run = run_bale({});
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.err, "");
  for (const Verb& verb : all_verbs()) EXPECT_THAT(run.out, HasSubstr(std::string(verb.summary)));
  EXPECT_EQ(run_bale({"help"}).out, run.out);
  EXPECT_EQ(run_bale({"--help"}).out, run.out);
}

TEST(ProgramTest, TellsItsVersion) {
  EXPECT_EQ(run_bale({"--version"}).out, "bale 0.1.0\n");
}

TEST(ProgramTest, EveryVerbHasHelpWithUsageAndExamples) {
  for (const Verb& verb : all_verbs()) {
    const FinishedRun asked = run_bale(std::vector<std::string>{"help"} + words_of(verb));
    EXPECT_EQ(asked.status, 0);
    EXPECT_EQ(asked.err, "");
    const std::string name =
        (verb.group.empty() ? "" : std::string(verb.group) + " ") + std::string(verb.name);
    EXPECT_THAT(asked.out, HasSubstr("Usage: bale " + name));
    EXPECT_THAT(asked.out, HasSubstr("Examples:\n  bale"));
    EXPECT_THAT(asked.out, HasSubstr("--memory SIZE"));
    EXPECT_EQ(run_bale(words_of(verb) + std::vector<std::string>{"--help"}).out, asked.out);
  }
}

TEST(ProgramTest, EveryVerbRefusesAnUnknownOption) {
  for (const Verb& verb : all_verbs()) {
    const FinishedRun run = run_bale(words_of(verb) + std::vector<std::string>{"--nonsense"});
    EXPECT_EQ(run.status, 2);
    EXPECT_THAT(run.err, HasSubstr("--nonsense"));
    EXPECT_EQ(run.out, "");
    expect_one_error_line(run);
  }
}

TEST(ProgramTest, EveryVerbReportsItsErrorsAsJsonToo) {
  for (const Verb& verb : all_verbs()) {
    const FinishedRun run = run_bale(words_of(verb) + std::vector<std::string>{"--json", "--bad"});
    EXPECT_EQ(run.status, 2);
    const nlohmann::json parsed = nlohmann::json::parse(run.out);
    EXPECT_EQ(parsed["error"]["code"], "invalid_argument");
    EXPECT_EQ("bale: " + parsed["error"]["message"].get<std::string>() + "\n", run.err);
  }
}

TEST(ProgramTest, SuggestsTheVerbThatWasMeant) {
  EXPECT_THAT(run_bale({"lits"}).err, HasSubstr("did you mean 'list'?"));
  EXPECT_THAT(run_bale({"pack", "biuld"}).err, HasSubstr("did you mean 'pack build'?"));
  EXPECT_THAT(run_bale({"help", "shwo"}).err, HasSubstr("did you mean 'show'?"));
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"lits"}, {"pack", "biuld"}, {"help", "shwo"}, {"frobnicate"}, {"pack"}, {"--json"}}) {
    const FinishedRun run = run_bale(words);
    EXPECT_EQ(run.status, 2);
    expect_one_error_line(run);
  }
}

TEST(ProgramTest, RefusesValuesThatMakeNoSense) {
  const std::vector<std::vector<std::string>> wrong = {
      {"--memory", "10MB"},  {"--memory", "junk"}, {"--memory", "-1"},  {"--threads", "0"},
      {"--progress", "yes"}, {"--level", "0"},     {"--level", "23"},   {"--level", "x"},
      {"--count", "-1"},     {"--count", "1K"},    {"--memory", "100K"}};
  for (const std::vector<std::string>& option : wrong) {
    const TempDirectory directory;
    const FinishedRun run =
        run_bale(std::vector<std::string>{"pack", "build", directory / "x.pack"} + option);
    EXPECT_EQ(run.status, 2) << option[0] << " " << option[1];
    expect_one_error_line(run);
    EXPECT_TRUE(names_in(directory.path()).empty());
  }
}

TEST(ProgramTest, MissingAndSurplusArgumentsAreUsageErrors) {
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"pack", "list"},
                                             {"pack", "cat", "x"},
                                             {"pack", "list", "a", "b"},
                                             {"list", "--store"},
                                             {"repack", "--delta", "--level", "99"},
                                             {"repack", "--delta", "--level", "0"},
                                             {"log"},
                                             {"init", "x"}}) {
    const FinishedRun run = run_bale(words);
    EXPECT_EQ(run.status, 2);
    expect_one_error_line(run);
  }
}

TEST(ProgramTest, OptionsStandAnywhere) {
  const TempDirectory directory;
  const std::string pack = directory / "x.pack";
  const std::string expected = run_bale({"pack", "build", pack, "--json"}, framed_blob("a")).out;
  const std::string name = nlohmann::json::parse(expected)["name"];
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"--json", "pack", "build", pack},
           {"pack", "--json", "build", "--level", "3", pack},
           {"pack", "build", "--memory", "12M", pack, "--quiet", "--json"},
           {"--memory=12M", "pack", "build", "--json", "--json", "--level=5", "--level=3", pack}}) {
    const FinishedRun run = run_bale(words, framed_blob("a"));
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_EQ(nlohmann::json::parse(run.out)["name"], name);
  }
}

TEST(ProgramTest, AnArgumentMayBeCalledLikeAVerb) {
  EXPECT_EQ(run_bale({"pack", "list", "list"}).status, 4);
  EXPECT_EQ(run_bale({"pack", "list", "pack"}).status, 4);
  EXPECT_EQ(run_bale({"log", "help", "--store", "/nonexistent"}).status, 4);
}

TEST(ProgramTest, AFullDiskIsAFailure) {
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  const FinishedRun run = ProgramRun({"help"}, {}, {.out = full}).finish();
  ::close(full);
  EXPECT_EQ(run.status, 1);
  expect_one_error_line(run);
}

TEST(ProgramTest, AClosedPipeEndsQuietly) {
  int fds[2];
  ASSERT_EQ(::pipe2(fds, O_CLOEXEC), 0);
  ::close(fds[0]);
  const FinishedRun run = ProgramRun({"help"}, {}, {.out = fds[1]}).finish();
  ::close(fds[1]);
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.err, "");
}

}  // namespace
}  // namespace bale::cli
