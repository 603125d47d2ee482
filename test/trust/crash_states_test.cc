// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Power cuts: each verb runs once, on a file system in memory that is copied before every call that
// changes something. Each copy yields the states that a crash at this moment can leave: only synced
// data, all written data, the state of a killed process, and random mixtures (names present or not,
// files partly torn and zeroed). Every state must keep the promises of a store, and again when the
// power fails right after the first import into it.
//
//   BALE_CRASH_STATES=1000000 trust_tests --gtest_filter='CrashStates*'     for a long run

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/try.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/small_archives.h"
#include "testing/store_verbs.h"
#include "trust_options.h"

namespace bale {
namespace {

using CrashMode = MemoryFileSystem::CrashMode;

constexpr std::uint64_t kStates = kSlowBuild ? 500 : 5'000;

bool changes_something(IoKind kind) {
  static const IoKinds reading =
      io_kinds({IoKind::kOpen, IoKind::kCreateUnnamed, IoKind::kList, IoKind::kStat, IoKind::kLock,
                IoKind::kRead, IoKind::kSize, IoKind::kMap});
  return !reading[static_cast<std::size_t>(kind)];
}

// The moments of one run of a verb.
struct Moments {
  std::vector<std::unique_ptr<MemoryFileSystem>> before;  // each call that changes something
  std::unique_ptr<MemoryFileSystem> acknowledged;
};

Result<Moments> run_and_copy(const MemoryFileSystem& base, const StoreVerb& verb) {
  const std::unique_ptr<MemoryFileSystem> memory = base.snapshot();
  TRY(prepare_store(*memory, verb));
  Moments moments;
  FaultyFileSystem files(*memory);
  files.observe([&](const IoEvent& event) {
    if (changes_something(event.kind)) moments.before.push_back(memory->snapshot());
  });
  TRY(run_verb(files, verb));
  moments.acknowledged = memory->snapshot();
  return moments;
}

class CrashStates {
 public:
  // Tries the configured number of states of the moment.
  void try_moment(const StoreVerb& verb, const MemoryFileSystem& moment,
                  const std::vector<ArchiveVersions>& allowed, std::uint64_t count) {
    const auto try_crashed = [&](const auto& crash) {
      const std::unique_ptr<MemoryFileSystem> state = moment.snapshot();
      crash(*state);
      try_state(verb, *state, allowed);
    };
    try_crashed([](MemoryFileSystem&) {});  // killed
    try_crashed([](MemoryFileSystem& files) { files.crash(CrashMode::kDropUnsynced); });
    try_crashed([](MemoryFileSystem& files) { files.crash(CrashMode::kKeepAll); });
    for (std::uint64_t i = 3; i < count; ++i) {
      try_crashed([&](MemoryFileSystem& files) { files.crash(random_); });
    }
  }

  [[nodiscard]] std::uint64_t count() const { return count_; }

  [[nodiscard]] std::uint64_t distinct() const { return seen_.size(); }

  [[nodiscard]] std::uint64_t kept() const { return kept_; }

 private:
  void try_state(const StoreVerb& verb, MemoryFileSystem& files,
                 const std::vector<ArchiveVersions>& allowed) {
    ++count_;
    ASSERT_OK_AND_ASSIGN(digest, digest_of_tree(files, kVerbStore));
    // An equal state with equal expectations need not be tried again.
    if (!seen_.insert(std::to_string(allowed.size()) + digest).second) {
      ++kept_;
      return;
    }
    ASSERT_THAT(recover_store(files, verb), IsOk()) << "state " << count_;
    const auto found = check_promises(files, kVerbStore, allowed);
    ASSERT_THAT(found, IsOk()) << "state " << count_;
    files.crash(CrashMode::kDropUnsynced);
    ASSERT_OK_AND_ASSIGN(store, Store::open(kVerbStore, &files));
    ASSERT_OK_AND_ASSIGN(archives, read_archives(store));
    // Effects of an unacknowledged verb may be visible, and lost in a second power cut: a name with
    // parts has its own directory, which the next import of another name does not sync.
    const bool as_allowed =
        std::any_of(allowed.begin(), allowed.end(), [&](const ArchiveVersions& one) {
          return to_string(archives) == to_string(with_next(one));
        });
    ASSERT_TRUE(as_allowed) << "state " << count_ << ": " << to_string(archives) << " after "
                            << to_string(with_next(*found));
    ++kept_;
  }

  std::mt19937_64 random_{1};
  std::set<std::string> seen_;
  std::uint64_t count_ = 0;
  std::uint64_t kept_ = 0;
};

TEST(CrashStatesTest, WhatWasAcknowledgedIsThereAndWhatWasNotLeavesNoTrace) {
  const std::uint64_t wanted = number_from_environment("BALE_CRASH_STATES", kStates);
  MemoryFileSystem base;
  ASSERT_THAT(make_verb_store(base), IsOk());
  const std::vector<StoreVerb> verbs = store_verbs();
  CrashStates states;
  for (const StoreVerb& verb : verbs) {
    SCOPED_TRACE(verb.name);
    ASSERT_OK_AND_ASSIGN(moments, run_and_copy(base, verb));
    const std::uint64_t share = wanted / (verbs.size() * (moments.before.size() + 1)) + 1;
    for (const auto& moment : moments.before) {
      states.try_moment(verb, *moment, {verb_store_archives(), verb.after}, share);
    }
    states.try_moment(verb, *moments.acknowledged, {verb.after}, share);
    std::printf("%s: %zu moments\n", verb.name.c_str(), moments.before.size() + 1);
  }
  EXPECT_GE(states.count(), wanted);
  EXPECT_EQ(states.count(), states.kept());
  std::printf("crash states: %llu (%llu distinct) of %zu verbs, %llu lost something\n",
              as_printed(states.count()), as_printed(states.distinct()), verbs.size(),
              as_printed(states.count() - states.kept()));
}

}  // namespace
}  // namespace bale
