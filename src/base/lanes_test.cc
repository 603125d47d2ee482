// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "base/lanes.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

namespace bale {
namespace {

TEST(LanesTest, OneLaneWorksOnTheCallersThread) {
  Lanes lanes(1);
  std::thread::id worker;
  lanes.post([&](std::size_t lane) {
    EXPECT_EQ(lane, 0u);
    worker = std::this_thread::get_id();
  });
  EXPECT_EQ(worker, std::this_thread::get_id());
}

TEST(LanesTest, EveryPieceRunsOnceAndALaneRunsOneAtATime) {
  constexpr std::size_t kPieces = 2000;
  std::array<std::atomic<int>, kPieces> runs{};
  std::array<std::atomic<int>, 3> inside{};
  {
    Lanes lanes(3);
    Window window(5);
    for (std::size_t i = 0; i < kPieces; ++i) {
      window.enter();
      lanes.post([&, i](std::size_t lane) {
        ASSERT_LT(lane, 3u);
        EXPECT_EQ(inside[lane].fetch_add(1), 0);
        ++runs[i];
        EXPECT_EQ(inside[lane].fetch_sub(1), 1);
        window.leave();
      });
    }
    window.wait_until_empty();
  }
  for (const auto& count : runs) EXPECT_EQ(count.load(), 1);
}

TEST(LanesTest, AnEndingPoolRunsWhatWaits) {
  std::atomic<int> ran = 0;
  {
    Lanes lanes(2);
    for (int i = 0; i < 100; ++i) lanes.post([&](std::size_t) { ++ran; });
  }
  EXPECT_EQ(ran.load(), 100);
}

TEST(LanesTest, WorkMayPostWork) {
  std::atomic<int> ran = 0;
  {
    Lanes lanes(2);
    lanes.post([&](std::size_t) {
      ++ran;
      lanes.post([&](std::size_t) { ++ran; });
    });
  }
  EXPECT_EQ(ran.load(), 2);
}

TEST(WindowTest, NoMoreThanTheLimitAreInside) {
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  Lanes lanes(4);
  Window window(2);
  for (int i = 0; i < 200; ++i) {
    window.enter();
    const int now = ++inside;
    if (now > most) most = now;
    lanes.post([&](std::size_t) {
      --inside;
      window.leave();
    });
  }
  window.wait_until_empty();
  EXPECT_EQ(inside.load(), 0);
  EXPECT_LE(most.load(), 2);
}

}  // namespace
}  // namespace bale
