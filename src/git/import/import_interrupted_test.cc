// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Imports that are cancelled, killed, refused, or concurrent.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/memory_size.h"
#include "testing/faulty_file_system.h"
#include "testing/git_fixture.h"
#include "testing/matchers.h"
#include "testing/scoped_variable.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

namespace fs = std::filesystem;

// A repository with some hundred objects and a large one, for all tests here.
GitFixture& source() {
  static GitFixture& git = *[] {
    auto* made = new GitFixture;  // lives as long as the program
    std::uint64_t seed = 0;
    for (int i = 0; i < 150; ++i) {
      made->write("dir" + std::to_string(i % 7) + "/" + std::to_string(i),
                  random_text(1000, seed++));
    }
    made->commit("first");
    made->write("large", random_text(3 << 20, seed));
    made->commit("second");
    made->tag("v1", made->oid("HEAD"));
    return made;
  }();
  return git;
}

class InterruptedImportTest : public testing::Test {
 protected:
  // An older archive, which must be kept.
  InterruptedImportTest() {
    GitFixture small;
    small.write("a", "one");
    small.commit("first");
    EXPECT_THAT(fixture_.import(small.path(), "before"), IsOk());
    before_ = fixture_.files();
  }

  // The state after any failed import.
  void expect_untouched() {
    EXPECT_EQ(fixture_.files(), before_);
    EXPECT_TRUE(fs::is_empty(fixture_.path() + "/staging"));
    ASSERT_OK_AND_ASSIGN(archives, fixture_.reopened().snapshot().archives());
    EXPECT_THAT(archives, testing::ElementsAre("before"));
  }

  StoreFixture fixture_;
  std::map<std::string, std::string> before_;
};

TEST_F(InterruptedImportTest, CancelledAtEveryPhaseItLeavesTheStoreAsItWas) {
  // First find the points to cancel at: each phase's first and fifth report.
  std::set<std::string> phases;
  {
    StoreFixture other;
    GitImportOptions options{.name = "x"};
    options.work.operation.report = [&](const Progress& progress) {
      phases.insert(std::string(progress.phase));
    };
    ASSERT_THAT(other.import_with(source().path(), options), IsOk());
  }
  EXPECT_TRUE(phases.contains("archiving objects"));
  for (const std::string& phase : phases) {
    for (const int at : {1, 5}) {
      SCOPED_TRACE(phase);
      std::atomic<bool> cancel = false;
      int seen = 0;
      GitImportOptions options{.name = "x"};
      options.work.operation.cancel = &cancel;
      options.work.operation.report = [&](const Progress& progress) {
        if (progress.phase == phase && ++seen == at) cancel = true;
      };
      const Result<GitImportSummary> imported = fixture_.import_with(source().path(), options);
      if (!cancel) continue;  // it was not reported so often
      ASSERT_THAT(imported, FailsWith(ErrorCode::kInterrupted));
      expect_untouched();
    }
  }
  ASSERT_THAT(fixture_.import(source().path(), "x"), IsOk());
}

TEST_F(InterruptedImportTest, CancelledAtAnyMomentItEitherSucceedsOrLeavesTheStoreAsItWas) {
  FaultyFileSystem files(posix_file_system());
  bool done = false;
  for (std::uint64_t at = 0; !done; at += 1 + at / 4) {
    std::atomic<bool> cancel = false;
    std::atomic<std::uint64_t> calls = 0;
    files.observe([&](const IoEvent&) { cancel = cancel || calls++ == at; });
    ASSERT_OK_AND_ASSIGN(store, Store::open(fixture_.path(), &files));
    GitImportOptions options{.name = "x", .work = {.sync = false}};
    options.work.operation.cancel = &cancel;
    const Result<GitImportSummary> imported = import_git(store, source().path(), options);
    done = imported.has_value();
    if (done) {
      EXPECT_GT(calls, 20u);
    } else {
      ASSERT_THAT(imported, FailsWith(ErrorCode::kInterrupted));
      expect_untouched();
    }
  }
  ASSERT_OK_AND_ASSIGN(report, fixture_.verify());
  EXPECT_TRUE(report.ok());
}

TEST_F(InterruptedImportTest, KilledItLeavesDebrisThatTheNextOneRemoves) {
  // Files outside the store that a killed process leaves go to the test's directory.
  const std::string temporary = fixture_.beside("tmp");
  fs::create_directory(temporary);
  const ScopedVariable variable("TMPDIR", temporary);
  source();
  bool left_debris = false;
  for (const std::uint64_t at : {1u, 40u, 152u}) {
    const pid_t child = ::fork();
    if (child == 0) {
      GitImportOptions options{.name = "x"};
      options.work.operation.report = [&](const Progress& progress) {
        if (progress.phase == "archiving objects" && progress.objects >= at) ::raise(SIGKILL);
      };
      static_cast<void>(fixture_.import_with(source().path(), options).has_value());
      ::_exit(0);
    }
    ASSERT_GT(child, 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    left_debris = left_debris || !fs::is_empty(fixture_.path() + "/staging");
    ASSERT_OK_AND_ASSIGN(report, fixture_.verify());
    EXPECT_THAT(report.errors, testing::IsEmpty());
    ASSERT_OK_AND_ASSIGN(archives, fixture_.reopened().snapshot().archives());
    EXPECT_THAT(archives, testing::ElementsAre("before"));
  }
  EXPECT_TRUE(left_debris);
  ASSERT_THAT(fixture_.import(source().path(), "x"), IsOk());
  EXPECT_TRUE(fs::is_empty(fixture_.path() + "/staging"));
  ASSERT_OK_AND_ASSIGN(report, fixture_.verify());
  EXPECT_TRUE(report.ok());
}

TEST_F(InterruptedImportTest, RefusedOptionsTouchNothing) {
  const std::string path = source().path();
  const std::uint64_t smallest = smallest_import_memory_bytes(3);
  EXPECT_THAT(fixture_.import_with(path, {.name = "x", .work = {.memory_bytes = smallest - 1}}),
              FailsWith(ErrorCode::kInvalidArgument, memory_size(smallest)));
  for (const int level : {0, -1, 23}) {
    EXPECT_THAT(fixture_.import_with(path, {.name = "x", .level = level}),
                FailsWith(ErrorCode::kInvalidArgument));
  }
  for (const std::string name : {"a//b", "a/.b", "/a", "a@1", "a:b", ".a", "-a", "\xff"}) {
    EXPECT_THAT(fixture_.import(path, name), FailsWith(ErrorCode::kInvalidArgument));
  }
  expect_untouched();
  EXPECT_THAT(fixture_.import_with(path, {.name = "x", .work = {.memory_bytes = smallest}}),
              IsOk());
}

TEST_F(InterruptedImportTest, ImportsOfOtherNamesRunSideBySide) {
  std::vector<std::thread> threads;
  std::vector<Result<GitImportSummary>> results(
      3, Result<GitImportSummary>(fail(ErrorCode::kIo, "did not run")));
  for (std::size_t i = 0; i < results.size(); ++i) {
    threads.emplace_back([&, i] {
      Store store = fixture_.reopened();
      results[i] = import_git(store, source().path(),
                              {.name = "name" + std::to_string(i), .work = {.sync = false}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& result : results) EXPECT_THAT(result, IsOk());
  ASSERT_OK_AND_ASSIGN(report, fixture_.verify());
  EXPECT_THAT(report.errors, testing::IsEmpty());
  EXPECT_TRUE(fs::is_empty(fixture_.path() + "/staging"));
}

TEST_F(InterruptedImportTest, ImportsOfOneNameWaitForEachOther) {
  std::vector<std::thread> threads;
  std::vector<Result<GitImportSummary>> results(
      2, Result<GitImportSummary>(fail(ErrorCode::kIo, "did not run")));
  for (Result<GitImportSummary>& result : results) {
    threads.emplace_back([&] {
      Store store = fixture_.reopened();
      result = import_git(store, source().path(), {.name = "one", .work = {.sync = false}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_THAT(results[0], IsOk());
  ASSERT_THAT(results[1], IsOk());
  // One stored everything, the other found it stored.
  EXPECT_NE(results[0]->unchanged, results[1]->unchanged);
  EXPECT_EQ(results[0]->record, results[1]->record);
  EXPECT_EQ(results[0]->objects, results[1]->objects);
  EXPECT_FALSE(fixture_.record("one").previous.has_value());
}

TEST_F(InterruptedImportTest, ImportsOfSeveralProcessesAllSucceed) {
  source();
  std::vector<pid_t> children;
  for (const std::string name : {"one", "one", "two"}) {
    const pid_t child = ::fork();
    if (child == 0) {
      Store store = fixture_.reopened();
      const bool ok =
          import_git(store, source().path(), {.name = name, .work = {.sync = false}}).has_value();
      ::_exit(ok ? 0 : 1);
    }
    ASSERT_GT(child, 0);
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  ASSERT_OK_AND_ASSIGN(archives, fixture_.reopened().snapshot().archives());
  EXPECT_THAT(archives, testing::ElementsAre("before", "one", "two"));
  EXPECT_FALSE(fixture_.record("one").previous.has_value());
  ASSERT_OK_AND_ASSIGN(report, fixture_.verify());
  EXPECT_THAT(report.errors, testing::IsEmpty());
}

}  // namespace
}  // namespace bale
