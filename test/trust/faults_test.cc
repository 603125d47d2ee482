// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Faults: each verb runs once for every call that it makes to the file system, and this call fails:
// by itself, after half a write, with all later calls, or with all that need disk space. Then once
// for every charge of memory, refused. A verb may fail or not; its result must be true, and the
// store keeps its promises once the fault is gone.
//
// Short reads and writes and EINTR are invisible here: posix_file.cc handles them.
// system_faults_test.py and full_disk_test.sh test system calls.

#include <cstdio>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "bale/store_verifier.h"
#include "base/try.h"
#include "testing/budget_faults.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/small_archives.h"
#include "testing/store_verbs.h"
#include "trust_options.h"

namespace bale {
namespace {

using Allowed = std::vector<ArchiveVersions>;

struct FaultKind {
  std::string name;
  Fault fault;  ///< `operation` is set for each run
};

std::vector<FaultKind> fault_kinds() {
  const std::string io = "Input/output error";
  return {
      {"Once", {.message = io}},
      {"TornWrite", {.kinds = io_kinds({IoKind::kWrite}), .tears_writes = true, .message = io}},
      {"ForGood", {.forever = true, .tears_writes = true, .message = io}},
      {"NoRoom",
       {.kinds =
            io_kinds({IoKind::kCreate, IoKind::kCreateUnnamed, IoKind::kLinkUnnamed,
                      IoKind::kCreateDirectory, IoKind::kWrite, IoKind::kTruncate, IoKind::kSync}),
        .forever = true,
        .tears_writes = true,
        .message = "No space left on device"}},
  };
}

class FaultsTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_THAT(make_verb_store(base_), IsOk()); }

  // The base, prepared for the verb.
  std::unique_ptr<MemoryFileSystem> prepared(const StoreVerb& verb) {
    std::unique_ptr<MemoryFileSystem> files = base_.snapshot();
    EXPECT_THAT(prepare_store(*files, verb), IsOk());
    return files;
  }

  // Checks the promises, unless the same state was checked before.
  void expect_promises(const StoreVerb& verb, MemoryFileSystem& files, const Allowed& allowed) {
    ++runs_;
    std::string key;
    for (const ArchiveVersions& one : allowed) key += to_string(one) + "|";
    ASSERT_OK_AND_ASSIGN(digest, digest_of_tree(files, kVerbStore));
    if (!seen_.insert(key + digest).second) return;
    ASSERT_THAT(recover_store(files, verb), IsOk());
    ASSERT_THAT(check_promises(files, kVerbStore, allowed), IsOk());
  }

  // Fails every call of `work` in turn.
  void fail_every_call(const StoreVerb& verb, const MemoryFileSystem& start, const FaultKind& kind,
                       const std::function<Result<void>(FileSystem&)>& work, const Allowed& before,
                       const Allowed& after) {
    for (std::uint64_t n = 0;; ++n) {
      const std::unique_ptr<MemoryFileSystem> memory = start.snapshot();
      FaultyFileSystem files(*memory);
      Fault fault = kind.fault;
      fault.operation = n;
      files.inject(fault);
      const Result<void> done = work(files);
      if (!files.fault_fired()) {
        ASSERT_THAT(done, IsOk());
        break;
      }
      SCOPED_TRACE(kind.name + " " + std::to_string(n));
      EXPECT_EQ(files.open_files(), 0u);
      if (!done) {
        EXPECT_EQ(done.error().code, ErrorCode::kIo) << done.error().message;
        EXPECT_NE(done.error().message.find(fault.message), std::string::npos)
            << done.error().message;
      }
      if (kind.name == "NoRoom") {
        ASSERT_OK_AND_ASSIGN(left, memory->list(std::string(kVerbStore) + "/staging"));
        EXPECT_TRUE(left.empty()) << left.front().name;
      }
      Allowed allowed = after;
      if (!done) allowed.insert(allowed.end(), before.begin(), before.end());
      expect_promises(verb, *memory, allowed);
      if (HasFatalFailure()) return;
    }
  }

  MemoryFileSystem base_;
  std::set<std::string> seen_;
  std::uint64_t runs_ = 0;
};

TEST_F(FaultsTest, WhicheverCallFailsTheStoreKeepsItsPromises) {
  const Allowed before = {verb_store_archives()};
  for (const StoreVerb& verb : store_verbs()) {
    SCOPED_TRACE(verb.name);
    const auto start = prepared(verb);
    for (const FaultKind& kind : fault_kinds()) {
      fail_every_call(verb, *start, kind, [&](FileSystem& files) { return run_verb(files, verb); },
                      before, {verb.after});
    }
  }
  EXPECT_GT(runs_, 2'000u);
  std::printf("faults: %llu runs with a fault, promises kept in all\n", as_printed(runs_));
}

// Recovery is the next import, which finds the debris of a killed verb.
TEST_F(FaultsTest, WhicheverCallFailsAfterAKillTheStoreKeepsItsPromises) {
  for (const StoreVerb& verb : store_verbs()) {
    // A damaged store keeps its promises once repaired, which the test above does.
    if (verb.mends) continue;
    SCOPED_TRACE(verb.name);
    const auto memory = prepared(verb);
    std::vector<std::unique_ptr<MemoryFileSystem>> moments;
    FaultyFileSystem files(*memory);
    files.observe([&](const IoEvent& event) {
      if (event.kind == IoKind::kRename) moments.push_back(memory->snapshot());
    });
    ASSERT_THAT(run_verb(files, verb), IsOk());
    const auto grow = [](const ArchiveVersions& archives) {
      ArchiveVersions grown = archives;
      grown["c"].insert(grown["c"].begin(), 4);
      return grown;
    };
    const Allowed before = {verb_store_archives(), verb.after};
    const Allowed after = {grow(verb_store_archives()), grow(verb.after)};
    for (const auto& moment : moments) {
      fail_every_call(
          verb, *moment, fault_kinds().front(),
          [](FileSystem& faulty) -> Result<void> {
            Store store = TRY(Store::open(kVerbStore, &faulty));
            return import_small(store, "c", 4);
          },
          before, after);
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(runs_, 1'000u);
  std::printf("faults: %llu runs with a fault after a kill, promises kept in all\n",
              as_printed(runs_));
}

TEST_F(FaultsTest, WhicheverChargeIsRefusedTheStoreKeepsItsPromises) {
  for (const StoreVerb& verb : store_verbs()) {
    SCOPED_TRACE(verb.name);
    const auto start = prepared(verb);
    for (const bool forever : {false, true}) {
      bool fired = true;
      for (std::uint64_t n = 0; fired; ++n) {
        SCOPED_TRACE(std::to_string(n) + (forever ? " for good" : ""));
        const auto files = start->snapshot();
        Allowed allowed = {verb.after};
        {
          const BudgetFaults faults({.charge = n, .forever = forever});
          const Result<void> done = run_verb(*files, verb);
          fired = BudgetFaults::fired();
          if (!done) {
            EXPECT_EQ(done.error().code, ErrorCode::kLimitExceeded) << done.error().message;
            allowed.push_back(verb_store_archives());
          }
        }
        expect_promises(verb, *files, allowed);
        if (HasFatalFailure()) return;
      }
    }
  }
  EXPECT_GT(runs_, 100u);
  std::printf("faults: %llu runs with a charge refused, promises kept in all\n", as_printed(runs_));
}

// A reader gets I/O errors of a failing disk, never false damage or wrong bytes. Some calls may
// fail without harm: reading a pack's age, say.
TEST_F(FaultsTest, WhicheverCallFailsReadersSayWhatIsTrue) {
  const auto read_all = [](FileSystem& files) -> Result<void> {
    const Store store = TRY(Store::open(kVerbStore, &files));
    const ArchiveVersions archives = TRY(read_archives(store));
    EXPECT_EQ(archives, verb_store_archives());
    const StoreReport report =
        TRY(verify_store(store, {.work = {.memory_bytes = smallest_verify_memory_bytes()}}));
    for (const Error& error : report.errors) {
      EXPECT_NE(error.message.find("injected fault"), std::string::npos) << error.message;
    }
    return {};
  };
  std::uint64_t runs = 0;
  for (const bool forever : {false, true}) {
    bool fired = true;
    for (std::uint64_t n = 0; fired; n += kSlowBuild ? 7 : 1) {
      SCOPED_TRACE(n);
      FaultyFileSystem files(base_);
      files.inject({.operation = n, .forever = forever});
      const Result<void> read = read_all(files);
      fired = files.fault_fired();
      if (!read) {
        EXPECT_EQ(read.error().code, ErrorCode::kIo) << read.error().message;
      }
      ++runs;
    }
  }
  std::printf("faults: %llu runs of readers with a fault\n", as_printed(runs));
}

}  // namespace
}  // namespace bale
