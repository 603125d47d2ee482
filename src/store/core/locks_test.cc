// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/locks.h"

#include <atomic>
#include <chrono>
#include <thread>

#include "store/core/store_impl.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

class LocksTest : public testing::Test {
 protected:
  // Gives up as soon as it has to wait.
  Result<ImportLocks> try_lock(const std::string& archive) {
    std::atomic<bool> cancel = false;
    waited_for_.clear();
    const Operation operation{.report =
                                  [&](const Progress& progress) {
                                    waited_for_ = progress.phase;
                                    cancel = true;
                                  },
                              .cancel = &cancel};
    return lock_for_import(fixture_.store(), archive, operation);
  }

  StoreFixture fixture_;
  std::string waited_for_;
};

TEST_F(LocksTest, ImportsOfOtherNamesHoldTheirsAtOnce) {
  ASSERT_OK_AND_ASSIGN(a, try_lock("a"));
  ASSERT_OK_AND_ASSIGN(b, try_lock("b"));
  EXPECT_THAT(try_lock("a"), FailsWith(ErrorCode::kInterrupted, "another import"));
  EXPECT_EQ(waited_for_, "waiting for another import of this archive");
  a = {};
  EXPECT_THAT(try_lock("a"), IsOk());
}

TEST_F(LocksTest, MaintenanceKeepsImportsOutAndTheOtherWayRound) {
  FileSystem& files = fixture_.store().file_system();
  const std::string path = layout_of(fixture_.store()).lock();
  {
    ASSERT_OK_AND_ASSIGN(maintenance, files.try_lock(path, LockMode::kExclusive));
    ASSERT_NE(maintenance, nullptr);
    EXPECT_THAT(try_lock("a"), FailsWith(ErrorCode::kInterrupted, "maintenance"));
  }
  ASSERT_OK_AND_ASSIGN(import, try_lock("a"));  // what it could not get whole it gave back
  ASSERT_OK_AND_ASSIGN(refused, files.try_lock(path, LockMode::kExclusive));
  EXPECT_EQ(refused, nullptr);
}

TEST_F(LocksTest, WaitingEndsWhenTheLockIsFree) {
  ASSERT_OK_AND_ASSIGN(held, try_lock("a"));
  std::atomic<bool> waiting = false;
  std::thread waiter([&] {
    const Operation operation{.report = [&](const Progress&) { waiting = true; },
                              .cancel = nullptr};
    EXPECT_THAT(lock_for_import(fixture_.store(), "a", operation), IsOk());
  });
  while (!waiting) std::this_thread::yield();
  held = {};
  waiter.join();
}

}  // namespace
}  // namespace bale
