// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The verbs on single packs, run as by a script: with good and damaged input, and interrupted.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/program_under_test.h"
#include "testing/temp_directory.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BALE_SANITIZED 1
#endif

namespace bale::cli {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string many_blobs(int count) {
  std::string stream;
  for (int i = 0; i < count; ++i) stream += framed_blob("object number " + std::to_string(i));
  return stream;
}

class PackVerbsTest : public testing::Test {
 protected:
  // A pack of these objects.
  std::string build(const std::string& stream) {
    const std::string pack = directory_ / "built.pack";
    const FinishedRun run = run_bale({"pack", "build", pack, "--quiet"}, stream);
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_EQ(run.out, "");
    EXPECT_EQ(run.err, "");
    return pack;
  }

  TempDirectory directory_;
};

TEST_F(PackVerbsTest, CatTakesPrefixesOfSixDigitsAndMore) {
  const std::string pack = build(framed_blob("one") + framed_blob("two"));
  const std::string id = json_lines(run_bale({"pack", "list", pack, "--json"}).out)[0]["id"];
  const std::string payload = run_bale({"pack", "cat", pack, id}).out;
  EXPECT_TRUE(payload == "one" || payload == "two");
  EXPECT_EQ(run_bale({"pack", "cat", pack, id.substr(0, 6)}).out, payload);
  EXPECT_EQ(run_bale({"pack", "cat", pack, id.substr(0, 5)}).status, 2);
  EXPECT_EQ(run_bale({"pack", "cat", pack, "nonsense"}).status, 2);
  EXPECT_EQ(run_bale({"pack", "cat", pack, id + "0"}).status, 2);
  EXPECT_EQ(run_bale({"pack", "cat", pack, "000000000"}).status, 4);
  const FinishedRun json_error = run_bale({"pack", "cat", pack, "000000000", "--json"});
  EXPECT_EQ(json::parse(json_error.out)["error"]["code"], "not_found");
}

TEST_F(PackVerbsTest, AmbiguousPrefixesAreRefused) {
  // Two ids with a common prefix: a pack accepts any ids.
  const auto framed = [](char last) {
    return std::string(1, '\0') + std::string(31, '\x11') + last + std::string(9, '\0');
  };
  const std::string pack = build(framed('a') + framed('b'));
  EXPECT_EQ(run_bale({"pack", "cat", pack, "111111"}).status, 2);
  EXPECT_EQ(run_bale({"pack", "cat", pack, std::string(62, '1') + "61"}).status, 0);
}

TEST_F(PackVerbsTest, LargePayloadsPassThrough) {
  std::string large(3'000'000, 'x');
  for (std::size_t i = 0; i < large.size(); i += 7) large[i] = static_cast<char>(i * i);
  const std::string pack = build(framed_blob("small") + framed_blob(large) + framed_blob(""));
  const std::vector<json> entries = json_lines(run_bale({"pack", "list", pack, "--json"}).out);
  ASSERT_EQ(entries.size(), 3u);
  for (const json& entry : entries) {
    if (entry["size"] != large.size()) continue;
    EXPECT_EQ(run_bale({"pack", "cat", pack, entry["id"]}).out, large);
  }
}

TEST_F(PackVerbsTest, AStreamCutAnywhereIsCorruptAndLeavesNothing) {
  const std::string object = framed_blob("payload");
  const std::string stream = object + object;
  std::vector<std::size_t> sizes;
  for (std::size_t size = 1; size < object.size(); ++size) sizes.push_back(size);
  sizes.push_back(stream.size() - 1);
  for (const std::size_t size : sizes) {
    const FinishedRun run =
        run_bale({"pack", "build", directory_ / "x.pack", "--json"}, stream.substr(0, size));
    EXPECT_EQ(run.status, 3);
    EXPECT_THAT(run.err, HasSubstr("at offset " + std::to_string(size)));
    EXPECT_EQ(json::parse(run.out)["error"]["code"], "corrupt");
    EXPECT_THAT(names_in(directory_.path()), IsEmpty());
  }
}

TEST_F(PackVerbsTest, ALargePayloadCutIsCorruptAndLeavesNothing) {
  const std::string stream = framed_blob(std::string(2'000'000, 'x'));
  const FinishedRun run =
      run_bale({"pack", "build", directory_ / "x.pack"}, stream.substr(0, 1'500'000));
  EXPECT_EQ(run.status, 3);
  EXPECT_THAT(run.err, HasSubstr("at offset 1500000"));
  EXPECT_THAT(names_in(directory_.path()), IsEmpty());
}

TEST_F(PackVerbsTest, UnknownKindsAndTypesAreCorrupt) {
  std::string stream = framed_blob("payload");
  stream[0] = 2;
  EXPECT_EQ(run_bale({"pack", "build", directory_ / "x.pack"}, stream).status, 3);
  stream[0] = 0;
  stream[33] = 4;
  EXPECT_EQ(run_bale({"pack", "build", directory_ / "x.pack"}, stream).status, 3);
  EXPECT_THAT(names_in(directory_.path()), IsEmpty());
}

TEST_F(PackVerbsTest, PathHintsAreReadAndMustBeWhole) {
  const std::string stream = framed_blob("payload") + std::string(
                                                          "\x03\x00"
                                                          "a/b",
                                                          5);
  const std::string pack = directory_ / "x.pack";
  EXPECT_EQ(run_bale({"pack", "build", pack, "--paths", "-q"}, stream + stream).status, 0);
  // An object that fills the buffer, and a path after it.
  std::string large = framed_blob(std::string(300'000, 'x')) + stream.substr(stream.size() - 5);
  EXPECT_EQ(run_bale({"pack", "build", pack, "--paths", "-q"}, stream + large).status, 0);
  const std::string cut = stream.substr(0, stream.size() - 1);
  EXPECT_EQ(run_bale({"pack", "build", pack, "--paths"}, cut).status, 3);
}

TEST_F(PackVerbsTest, AnOlderPackStaysUntilTheNewOneIsWhole) {
  const std::string pack = build(framed_blob("old"));
  const std::string before = read_file(pack);
  EXPECT_EQ(run_bale({"pack", "build", pack}, framed_blob("new").substr(0, 20)).status, 3);
  EXPECT_EQ(read_file(pack), before);
  EXPECT_THAT(names_in(directory_.path()), ElementsAre("built.idx", "built.pack"));
  build(framed_blob("new"));
  EXPECT_NE(read_file(pack), before);
}

TEST_F(PackVerbsTest, ACountThatDoesNotComeTrueIsIncomplete) {
  const std::string pack = directory_ / "x.pack";
  const std::string stream = many_blobs(3);
  EXPECT_EQ(run_bale({"pack", "build", pack, "--count", "3", "-q"}, stream).status, 0);
  const FinishedRun fewer = run_bale({"pack", "build", pack, "--count", "4"}, stream);
  EXPECT_EQ(fewer.status, 5);
  EXPECT_THAT(fewer.err, HasSubstr("expected 4 objects, got 3"));
  EXPECT_EQ(run_bale({"pack", "build", pack, "--count", "2"}, stream).status, 5);
}

TEST_F(PackVerbsTest, TooLittleMemoryNamesWhatWouldDo) {
  const std::string pack = directory_ / "x.pack";
  const FinishedRun run = run_bale({"pack", "build", pack, "--level", "19", "--memory", "1M"});
  EXPECT_EQ(run.status, 2);
  const std::size_t at = run.err.find("--memory ");
  ASSERT_NE(at, std::string::npos) << run.err;
  const std::string enough = run.err.substr(at + 9, run.err.find(' ', at + 9) - at - 9);
  const std::string stream = framed_blob(std::string(1 << 20, 'x'));
  EXPECT_EQ(
      run_bale({"pack", "build", pack, "--level=19", "--memory", enough, "-q"}, stream).status, 0);
  // Without the option there is always enough.
  for (const char* level : {"1", "9", "22"}) {
    EXPECT_EQ(run_bale({"pack", "build", pack, "-q", "--level", level}, stream).status, 0);
  }
}

TEST_F(PackVerbsTest, ObjectsAboveTheLimitAreRefusedBeforeTheyAreRead) {
  std::string stream = framed_blob("");
  stream[34 + 4] = 1;  // 4 GiB
  EXPECT_EQ(run_bale({"pack", "build", directory_ / "x.pack"}, stream).status, 1);
  const FinishedRun huge =
      run_bale({"pack", "build", directory_ / "x.pack", "--allow-huge"}, stream);
  EXPECT_EQ(huge.status, 3) << huge.err;
}

TEST_F(PackVerbsTest, VerifyReportsDamageAndEndsWithThree) {
  const std::string pack = build(many_blobs(3));
  std::string bytes = read_file(pack);
  bytes[70] = static_cast<char>(bytes[70] ^ 1);
  write_file(pack, bytes);
  const FinishedRun run = run_bale({"pack", "verify", pack, "--json"});
  EXPECT_EQ(run.status, 3);
  const json report = json::parse(run.out);
  ASSERT_THAT(report["errors"], testing::Not(IsEmpty()));
  EXPECT_EQ(report["errors"][0]["code"], "corrupt");
  EXPECT_EQ(lines_of(run.err).size(), 1u);
  EXPECT_EQ(run_bale({"pack", "verify", pack}).status, 3);
  EXPECT_EQ(run_bale({"pack", "index", pack, directory_ / "x.idx"}).status, 3);
  EXPECT_FALSE(std::filesystem::exists(directory_ / "x.idx"));
}

TEST_F(PackVerbsTest, AMissingPackIsNotFound) {
  for (const char* verb : {"list", "dump", "verify"}) {
    EXPECT_EQ(run_bale({"pack", verb, directory_ / "none.pack"}).status, 4) << verb;
  }
  const std::string pack = build(framed_blob("a"));
  std::filesystem::remove(directory_ / "built.idx");
  const FinishedRun run = run_bale({"pack", "list", pack});
  EXPECT_EQ(run.status, 4);
  EXPECT_THAT(run.err, HasSubstr("bale pack index"));
}

TEST_F(PackVerbsTest, ProgressGoesToStandardErrorAndIsCleared) {
  const std::string pack = directory_ / "x.pack";
  const FinishedRun drawn =
      run_bale({"pack", "build", pack, "--json", "--progress", "always"}, many_blobs(3));
  EXPECT_EQ(json_lines(drawn.out).size(), 1u);
  EXPECT_THAT(drawn.err, HasSubstr("packing objects"));
  EXPECT_TRUE(drawn.err.ends_with("\r\x1b[K"));
  const FinishedRun silent = run_bale({"pack", "build", pack, "--json"}, many_blobs(3));
  EXPECT_EQ(silent.err, "");
}

TEST_F(PackVerbsTest, TextOutputIsOneLineUnlessQuiet) {
  const FinishedRun run = run_bale({"pack", "build", directory_ / "x.pack"}, many_blobs(3));
  EXPECT_EQ(lines_of(run.out).size(), 1u);
  EXPECT_EQ(run.err, "");
}

TEST_F(PackVerbsTest, AReaderThatStopsIsNoFailure) {
  const std::string pack = build(many_blobs(5000));
  int fds[2];
  ASSERT_EQ(::pipe2(fds, O_CLOEXEC), 0);
  ProgramRun program({"pack", "list", pack}, {}, {.out = fds[1]});
  ::close(fds[1]);
  char first = 0;
  EXPECT_EQ(::read(fds[0], &first, 1), 1);
  ::close(fds[0]);
  const FinishedRun run = program.finish();
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.err, "");
}

// The program waits for its reader while the mapped index is truncated.
TEST_F(PackVerbsTest, AnIndexThatShrinksIsOneErrorAndNoCrash) {
  const std::string pack = build(many_blobs(5000));
  int fds[2];
  ASSERT_EQ(::pipe2(fds, O_CLOEXEC), 0);
  ProgramRun program({"pack", "list", pack}, {}, {.out = fds[1]});
  ::close(fds[1]);
  char byte = 0;
  EXPECT_EQ(::read(fds[0], &byte, 1), 1);
  ASSERT_EQ(::truncate((directory_ / "built.idx").c_str(), 100), 0);
  std::array<char, 4096> rest;
  while (::read(fds[0], rest.data(), rest.size()) > 0) {
  }
  ::close(fds[0]);
  const FinishedRun run = program.finish();
#ifndef BALE_SANITIZED
  EXPECT_EQ(run.status, 3);
  EXPECT_EQ(lines_of(run.err).size(), 1u);
  EXPECT_THAT(run.err, HasSubstr("became shorter"));
#endif
}

// Waits until something is created in a watched directory.
void await_event(int watch) {
  pollfd event{.fd = watch, .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&event, 1, 60'000), 1);
  ::close(watch);
}

// Gives the program half a stream, waits until it packs, and sends it a signal.
FinishedRun interrupt(int signal_number, const TempDirectory& directory) {
  const int begun = ::inotify_init1(IN_CLOEXEC);
  EXPECT_GE(::inotify_add_watch(begun, directory.path().c_str(), IN_CREATE), 0);
  int fds[2];
  EXPECT_EQ(::pipe2(fds, O_CLOEXEC), 0);
  ProgramRun program({"pack", "build", directory / "x.pack", "--json"}, {}, {.in = fds[0]});
  ::close(fds[0]);
  const std::string stream = many_blobs(3);
  EXPECT_EQ(::write(fds[1], stream.data(), stream.size() - 1),
            static_cast<ssize_t>(stream.size() - 1));
  await_event(begun);
  EXPECT_EQ(::kill(program.pid(), signal_number), 0);
  const FinishedRun run = program.finish();
  ::close(fds[1]);
  return run;
}

TEST_F(PackVerbsTest, SignalsEndItCleanlyWithTheirStatus) {
  for (const auto& [signal_number, status] :
       {std::pair(SIGINT, 130), std::pair(SIGTERM, 143), std::pair(SIGHUP, 129)}) {
    const FinishedRun run = interrupt(signal_number, directory_);
    EXPECT_EQ(run.status, status);
    EXPECT_EQ(json::parse(run.out)["error"]["code"], "interrupted");
    EXPECT_EQ(lines_of(run.err).size(), 1u);
    EXPECT_THAT(names_in(directory_.path()), IsEmpty());
  }
}

#ifndef BALE_SANITIZED
TEST_F(PackVerbsTest, ResidentMemoryIsTheBudgetAndEightMiB) {
  const FinishedRun run = run_bale(
      {"pack", "build", directory_ / "x.pack", "--json", "--memory", "6M"}, many_blobs(150'000));
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_LE(json::parse(run.out)["peak_rss_bytes"].get<std::uint64_t>(), (6u + 8u) << 20);
}
#endif

}  // namespace
}  // namespace bale::cli
