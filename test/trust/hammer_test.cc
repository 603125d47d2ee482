// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Concurrent readers and a writer: on a store in the real file system, processes read known
// archives at random while another one imports, removes, repacks and collects in a loop. No read or
// verb may fail, and all bytes must be right. Processes, like programs, share only the store. Two
// threads of one reader use one Store.
//
//   HAMMER_SECONDS=600 trust_tests --gtest_filter='Hammer*'      for a long run

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <new>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "bale/archive_changes.h"
#include "bale/store_collect.h"
#include "bale/store_repack.h"
#include "base/error.h"
#include "base/try.h"
#include "testing/matchers.h"
#include "testing/small_archives.h"
#include "testing/small_history.h"
#include "testing/temp_directory.h"
#include "trust_options.h"

namespace bale {
namespace {

constexpr int kReaders = 2;
constexpr int kThreads = 2;
constexpr int kAttempts = 4;  // packs may disappear again while it retries

using Clock = std::chrono::steady_clock;

// Counts in memory shared by the processes.
struct Counts {
  std::atomic<std::uint64_t> reads{0};
  std::atomic<std::uint64_t> verbs{0};
};

class SharedCounts {
 public:
  SharedCounts()
      : memory_(::mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                       -1, 0)),
        counts_(new (memory_) Counts) {}

  SharedCounts(const SharedCounts&) = delete;
  SharedCounts& operator=(const SharedCounts&) = delete;

  ~SharedCounts() { ::munmap(memory_, sizeof(Counts)); }

  Counts* operator->() const { return counts_; }

 private:
  void* memory_;
  Counts* counts_;
};

const std::vector<std::pair<std::string, int>>& known_archives() {
  static const std::vector<std::pair<std::string, int>> archives = {
      {"a", 4}, {"b", 3}, {"c256", 3}, {"big", 1}};
  return archives;
}

Result<void> make_store(const std::string& path) {
  TRY(Store::init(path));
  Store store = TRY(Store::open(path));
  for (const auto& [name, version] : known_archives()) TRY(import_small(store, name, version));
  return {};
}

// Finds the object and reads it, as a program does: retries in the current packs if it is not found
// or disappears between.
Result<void> read_object(Store& store, ReadContext& context, const SmallObject& object) {
  Result<void> result;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (attempt > 0) TRY(store.refresh());
    const std::optional<ObjectLocation> location = store.snapshot().find(object.oid);
    if (!location) {
      result = fail(ErrorCode::kNotFound, "{} is not there", object.oid.to_hex());
      continue;
    }
    const Result<ObjectView> view = store.snapshot().get(*location, context, object.oid);
    if (!view) {
      result = view.error();
      if (view.error().code == ErrorCode::kNotFound) continue;
      return result;
    }
    if (view->type == object.type && as_text(view->payload) == object.payload) return {};
    return fail(ErrorCode::kCorrupt, "{} is wrong", object.oid.to_hex());
  }
  return result;
}

// Reads a random object of a random archive by its Git id, and now and then a record.
Result<void> read_one(Store& store, ReadContext& context, std::mt19937_64& random) {
  const auto& [name, version] = known_archives()[random() % known_archives().size()];
  const SmallHistory& history = small_history(name, version);
  if (random() % 16 == 0) {
    const ArchiveRecord record = TRY(store.snapshot().record(name, 0, context));
    if (record.record.archive != name) return fail(ErrorCode::kCorrupt, "a record of another");
  }
  return read_object(store, context, history.objects[random() % history.objects.size()]);
}

Result<void> read_until(Clock::time_point end, const std::string& path, std::uint64_t seed,
                        Counts& counts) {
  std::mt19937_64 random(seed);
  while (Clock::now() < end) {
    Store store = TRY(Store::open(path));
    std::vector<Result<void>> results(kThreads);
    std::vector<std::thread> threads;
    for (Result<void>& result : results) {
      threads.emplace_back([&, thread_seed = random()] {
        std::mt19937_64 dice(thread_seed);
        ReadContext context;
        // Uses a Store for a while, so that its packs disappear, then reopens it.
        for (int i = 0; i < 2'000 && result && Clock::now() < end; ++i) {
          if (dice() % 64 == 0) result = store.refresh();
          if (result) result = read_one(store, context, dice);
          ++counts.reads;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const Result<void>& result : results) {
      if (!result) return result;
    }
  }
  return {};
}

Result<void> write_once(Store& store, int round, std::mt19937_64& random) {
  const std::string passing = "passing" + std::to_string(random() % 3);
  switch (random() % 6) {
    case 0:
    case 1:
      return import_small(store, passing, 1 + round % 5);
    case 2:
      // The same version again, whose objects the readers know.
      return import_small(store, "a", 4);
    case 3: {
      const Result<RemovedArchive> removed = remove_archive(store, passing);
      if (!removed && removed.error().code != ErrorCode::kNotFound) return removed.error();
      return {};
    }
    case 4: {
      RepackOptions options{.find_bases = random() % 2 == 0, .level = 1, .work = {.lanes = 1}};
      options.work.memory_bytes = smallest_repack_memory_bytes(options);
      TRY(repack_store(store, options));
      return {};
    }
    default:
      TRY(collect_store(
          store,
          {.level = 1, .work = {.memory_bytes = smallest_collect_memory_bytes(1), .lanes = 1}}));
      return {};
  }
}

Result<void> write_until(Clock::time_point end, const std::string& path, std::uint64_t seed,
                         Counts& counts) {
  std::mt19937_64 random(seed);
  Store store = TRY(Store::open(path));
  for (int round = 0; Clock::now() < end; ++round) {
    TRY(write_once(store, round, random));
    ++counts.verbs;
  }
  return {};
}

// Runs `work` in its own process, which exits with 0 on success.
pid_t start(const std::string& what, const std::function<Result<void>()>& work) {
  const pid_t child = fork();
  if (child != 0) return child;
  const Result<void> result = work();
  if (!result) std::fprintf(stderr, "%s: %s\n", what.c_str(), result.error().message.c_str());
  std::fflush(nullptr);
  _exit(result ? 0 : 1);
}

TEST(HammerTest, ReadersNeitherFailNorReadWrongBytesBesideAWriter) {
  const std::uint64_t seconds = number_from_environment("HAMMER_SECONDS", 5);
  const TempDirectory directory;
  const std::string path = directory / "store";
  ASSERT_THAT(make_store(path), IsOk());
  const SharedCounts counts;
  const auto end = Clock::now() + std::chrono::seconds(seconds);
  std::vector<pid_t> children = {
      start("writer", [&] { return write_until(end, path, 1, *counts.operator->()); })};
  for (std::uint64_t seed = 2; seed < 2 + kReaders; ++seed) {
    children.push_back(
        start("reader", [&] { return read_until(end, path, seed, *counts.operator->()); }));
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
  }
  EXPECT_GT(counts->reads, 1'000u);
  EXPECT_GT(counts->verbs, 5u);
  std::printf(
      "hammer: %llu reads by %d readers of %d threads beside %llu verbs in %llu s, no error\n",
      as_printed(counts->reads), kReaders, kThreads, as_printed(counts->verbs),
      as_printed(seconds));
}

}  // namespace
}  // namespace bale
