// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A store against a model: random sequences of verbs, some interrupted; after each the archives
// must equal the model's. An interrupted verb may have happened or not, and the model adopts the
// result; everything else is predicted.
//
// - Kills: each verb runs in its own process on the real file system, reports through a pipe that
//   it is done, and is killed at random. The model is in the process that does not touch the store.
// - Power cuts: on the file system in memory, which fails from a random call on and then crashes.
//
//   MODEL_SECONDS=600 MODEL_SEED=7 trust_tests --gtest_filter='Model*'      for a long run

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "bale/archive_changes.h"
#include "bale/store_collect.h"
#include "bale/store_repack.h"
#include "bale/store_repair.h"
#include "bale/store_verifier.h"
#include "base/try.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/small_archives.h"
#include "testing/temp_directory.h"
#include "trust_options.h"

namespace bale {
namespace {

constexpr int kMostVersions = 6;
constexpr int kStepsOfASequence = 40;
const std::vector<std::string> kNames = {"a", "b", "c256"};

using Clock = std::chrono::steady_clock;

enum class Verb : std::uint8_t {
  kImport,
  kRemove,
  kPrune,
  kRepack,
  kRepackToBases,
  kCollect,
  kRepair
};

struct Step {
  Verb verb = Verb::kCollect;
  std::string name;
  int version = 0;  ///< to import, or how many records to keep

  [[nodiscard]] std::string text() const {
    static constexpr const char* kVerbs[] = {"import",       "remove",  "prune", "repack",
                                             "repack bases", "collect", "repair"};
    return std::string(kVerbs[static_cast<std::size_t>(verb)]) + " " + name + " " +
           std::to_string(version);
  }
};

// A possible step for these archives.
Step choose(const ArchiveVersions& archives, std::mt19937_64& random) {
  Step step{.verb = static_cast<Verb>(random() % 7), .name = kNames[random() % kNames.size()]};
  const auto there = archives.find(step.name);
  if (step.verb == Verb::kImport || there == archives.end()) {
    if (step.verb <= Verb::kPrune) step.verb = Verb::kImport;
    step.version = 1 + static_cast<int>(random() % kMostVersions);
  } else if (step.verb == Verb::kPrune) {
    step.version = 1 + static_cast<int>(random() % there->second.size());
  }
  return step;
}

// The archives after the step: the whole model.
ArchiveVersions after(ArchiveVersions archives, const Step& step) {
  switch (step.verb) {
    case Verb::kImport:
      archives[step.name].insert(archives[step.name].begin(), step.version);
      break;
    case Verb::kRemove:
      archives.erase(step.name);
      break;
    case Verb::kPrune:
      archives[step.name].resize(static_cast<std::size_t>(step.version));
      break;
    default:
      break;
  }
  return archives;
}

Result<void> take(Store& store, const Step& step) {
  switch (step.verb) {
    case Verb::kImport:
      return import_small(store, step.name, step.version);
    case Verb::kRemove:
      TRY(remove_archive(store, step.name));
      return {};
    case Verb::kPrune:
      TRY(prune_archive(store, step.name, static_cast<std::uint64_t>(step.version)));
      return {};
    case Verb::kCollect:
      TRY(collect_store(
          store,
          {.level = 1, .work = {.memory_bytes = smallest_collect_memory_bytes(1), .lanes = 1}}));
      return {};
    case Verb::kRepair:
      TRY(repair_store(store.path(), {.level = 1,
                                      .work = {.memory_bytes = smallest_repair_memory_bytes(1),
                                               .lanes = 1,
                                               .file_system = &store.file_system()}}));
      return {};
    default: {
      RepackOptions options{
          .find_bases = step.verb == Verb::kRepackToBases, .level = 1, .work = {.lanes = 1}};
      options.work.memory_bytes = smallest_repack_memory_bytes(options);
      TRY(repack_store(store, options));
      return {};
    }
  }
}

Result<void> take_in(FileSystem& files, const std::string& path, const Step& step) {
  Store store = TRY(Store::open(path, &files));
  return take(store, step);
}

// The archives of the store, which verify must find sound.
Result<ArchiveVersions> look_at(FileSystem& files, const std::string& path) {
  const Store store = TRY(Store::open(path, &files));
  const StoreReport report =
      TRY(verify_store(store, {.work = {.memory_bytes = smallest_verify_memory_bytes()}}));
  if (!report.ok()) return report.errors.front();
  return read_archives(store);
}

// Runs the step in its own process, which a timer kills after this time unless it is 0. Returns
// whether the process reported success; any other failure of the verb fails the test.
bool take_and_kill(const std::string& path, const Step& step, useconds_t after_microseconds) {
  int ends[2] = {-1, -1};
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    if (after_microseconds > 0) ::ualarm(after_microseconds, 0);
    const Result<void> taken = take_in(posix_file_system(), path, step);
    if (!taken)
      std::fprintf(stderr, "%s: %s\n", step.text().c_str(), taken.error().message.c_str());
    const char verdict = taken ? 'y' : 'n';
    _exit(::write(ends[1], &verdict, 1) == 1 ? 0 : 1);
  }
  ::close(ends[1]);
  char verdict = '?';
  const ssize_t got = ::read(ends[0], &verdict, 1);
  ::close(ends[0]);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_NE(verdict, 'n') << step.text();
  if (after_microseconds == 0) {
    EXPECT_EQ(got, 1) << step.text() << ": status " << status;
  }
  return verdict == 'y';
}

class ModelTest : public testing::Test {
 protected:
  // Compares, and adopts uncertain results.
  void compare(FileSystem& files, const std::string& path, const Step& step, bool acknowledged) {
    ArchiveVersions expected = after(model_, step);
    ++steps_;
    ASSERT_OK_AND_ASSIGN(found, look_at(files, path));
    if (step.verb == Verb::kRepair) expect_recovered(found, expected);
    if (found != expected) {
      ASSERT_FALSE(acknowledged) << step.text() << ": " << to_string(found)
                                 << "\n  expected: " << to_string(expected);
      ASSERT_EQ(to_string(found), to_string(model_)) << step.text();
    }
    cut_short_ += acknowledged ? 0 : 1;
    for (const auto& [name, versions] : expected) {
      if (!acknowledged && !model_.contains(name)) begun_.insert(name);
    }
    model_ = found;
  }

  // An archive without a pointer whose record exists: repair cannot distinguish an interrupted
  // first import from a lost pointer, and restores both.
  void expect_recovered(const ArchiveVersions& found, ArchiveVersions& expected) {
    for (const std::string& name : begun_) {
      const auto recovered = found.find(name);
      if (recovered != found.end()) expected.insert(*recovered);
    }
  }

  [[nodiscard]] bool time_is_left() const { return Clock::now() < end_; }

  const std::uint64_t seconds_ = number_from_environment("MODEL_SECONDS", 5);
  const std::uint64_t seed_ = number_from_environment("MODEL_SEED", 1);
  const Clock::time_point end_ = Clock::now() + std::chrono::seconds(seconds_);
  std::mt19937_64 random_{seed_};
  ArchiveVersions model_;
  std::set<std::string> begun_;  // names with an interrupted first import
  std::uint64_t steps_ = 0;
  std::uint64_t cut_short_ = 0;
};

TEST_F(ModelTest, KilledInRandomSequencesTheStoreIsWhatTheModelSays) {
  while (time_is_left()) {
    const TempDirectory directory;
    const std::string path = directory / "store";
    ASSERT_THAT(Store::init(path), IsOk());
    model_.clear();
    begun_.clear();
    for (int i = 0; i < kStepsOfASequence && time_is_left(); ++i) {
      const Step step = choose(model_, random_);
      SCOPED_TRACE(step.text() + ", step " + std::to_string(i));
      const bool kill = random_() % 2 == 0;
      const bool acknowledged =
          take_and_kill(path, step, kill ? static_cast<useconds_t>(1 + random_() % 30'000) : 0);
      compare(posix_file_system(), path, step, acknowledged);
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(steps_, 10u);
  std::printf(
      "model: %llu verbs, %llu of them killed before they were done, seed %llu, all as the "
      "model says\n",
      as_printed(steps_), as_printed(cut_short_), as_printed(seed_));
}

TEST_F(ModelTest, WithoutPowerInRandomSequencesTheStoreIsWhatTheModelSays) {
  const std::string path = "/store";
  while (time_is_left()) {
    MemoryFileSystem memory;
    ASSERT_THAT(Store::init(path, &memory), IsOk());
    model_.clear();
    begun_.clear();
    for (int i = 0; i < kStepsOfASequence && time_is_left(); ++i) {
      const Step step = choose(model_, random_);
      SCOPED_TRACE(step.text() + ", step " + std::to_string(i));
      bool acknowledged = false;
      {
        FaultyFileSystem files(memory);
        if (random_() % 2 == 0) files.inject({.operation = random_() % 400, .forever = true});
        acknowledged = take_in(files, path, step).has_value();
        EXPECT_TRUE(acknowledged || files.fault_fired());
      }
      if (random_() % 2 == 0 || !acknowledged) memory.crash(random_);
      compare(memory, path, step, acknowledged);
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(steps_, 10u);
  std::printf(
      "model: %llu verbs, %llu of them without power before they were done, seed %llu, all "
      "as the model says\n",
      as_printed(steps_), as_printed(cut_short_), as_printed(seed_));
}

}  // namespace
}  // namespace bale
