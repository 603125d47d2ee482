// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "base/lane_task.h"

#include <atomic>
#include <thread>
#include <utility>

#include "base/error.h"
#include "testing/matchers.h"
#include "testing/watched_thread.h"

namespace bale {
namespace {

// Keeps every lane busy until it is destroyed.
class BusyLanes {
 public:
  explicit BusyLanes(std::size_t count) : lanes_(count) {
    std::atomic<std::size_t> begun = 0;
    for (std::size_t i = 0; i < count; ++i) {
      lanes_.post([&begun, this](std::size_t) {
        ++begun;
        while (!open_) std::this_thread::yield();
      });
    }
    while (begun < count) std::this_thread::yield();
  }

  ~BusyLanes() { open_ = true; }

  Lanes& lanes() { return lanes_; }

 private:
  std::atomic<bool> open_ = false;
  Lanes lanes_;  // joined first
};

TEST(LaneTaskTest, NothingPostedIsASuccess) {
  LaneTask task;
  EXPECT_THAT(task.wait(), IsOk());
}

TEST(LaneTaskTest, WaitingReturnsWhatTheWorkReturned) {
  Lanes lanes(2);
  LaneTask task;
  for (int round = 0; round < 300; ++round) {
    int ran = 0;
    task.post(lanes, [&]() -> Result<void> {
      ++ran;
      if (round % 2 == 1) return fail(ErrorCode::kIo, "round {}", round);
      return {};
    });
    const Result<void> result = task.wait();
    EXPECT_EQ(ran, 1);
    EXPECT_EQ(result.has_value(), round % 2 == 0);
    EXPECT_THAT(task.wait(), IsOk());
  }
}

TEST(LaneTaskTest, OneLaneRunsTheWorkAtOnce) {
  Lanes lanes(1);
  LaneTask task;
  bool ran = false;
  task.post(lanes, [&]() -> Result<void> {
    ran = true;
    return {};
  });
  EXPECT_TRUE(ran);
  EXPECT_THAT(task.wait(), IsOk());
}

TEST(LaneTaskTest, WhoWaitsRunsWhatNoLaneHasBegun) {
  BusyLanes busy(2);
  LaneTask task;
  std::thread::id worker;
  task.post(busy.lanes(), [&]() -> Result<void> {
    worker = std::this_thread::get_id();
    return {};
  });
  EXPECT_THAT(task.wait(), IsOk());
  EXPECT_EQ(worker, std::this_thread::get_id());
}

TEST(LaneTaskTest, DroppingDoesNotRunWhatNoLaneHasBegun) {
  std::atomic<int> ran = 0;
  {
    BusyLanes busy(2);
    const auto count = [&]() -> Result<void> {
      ++ran;
      return {};
    };
    LaneTask dropped;
    dropped.post(busy.lanes(), count);
    LaneTask assigned;
    assigned.post(busy.lanes(), count);
    assigned = LaneTask();
    EXPECT_THAT(assigned.wait(), IsOk());
  }
  EXPECT_EQ(ran, 0);
}

TEST(LaneTaskTest, DroppingWaitsForWorkThatHasBegun) {
  Lanes lanes(2);
  for (int round = 0; round < 20; ++round) {
    std::atomic<bool> begun = false;
    bool ended = false;
    WatchedThread dropper;
    {
      LaneTask task;
      task.post(lanes, [&]() -> Result<void> {
        begun = true;
        begun.notify_one();
        dropper.await_blocked();
        ended = true;
        return {};
      });
      begun.wait(false);
      dropper.begin();
    }
    EXPECT_TRUE(ended);
  }
}

TEST(LaneTaskTest, AMovedTaskIsWaitedForAtItsNewPlace) {
  Lanes lanes(2);
  int ran = 0;
  LaneTask first;
  first.post(lanes, [&]() -> Result<void> {
    ++ran;
    return {};
  });
  LaneTask second = std::move(first);
  EXPECT_THAT(second.wait(), IsOk());
  EXPECT_EQ(ran, 1);
}

TEST(LaneTaskDeathTest, PostingTwiceWithoutWaitingStopsTheProgram) {
  Lanes lanes(1);
  LaneTask task;
  task.post(lanes, []() -> Result<void> { return {}; });
  EXPECT_DEATH(task.post(lanes, []() -> Result<void> { return {}; }), "shared_");
}

}  // namespace
}  // namespace bale
