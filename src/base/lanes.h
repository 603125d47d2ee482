// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Lanes: a few threads that run small pieces of work, the oldest first.
//
//   Lanes lanes(2);
//   Window window(4);                               // at most 4 pieces under way
//   for (Block& block : blocks) {
//     window.enter();                               // waits for room
//     lanes.post([&](std::size_t lane) { hash(block, scratch[lane]); window.leave(); });
//   }
//   window.wait_until_empty();
//
// A lane has a number, 0..count-1, and runs one piece of work at a time, so per-lane data (a
// compression context, a buffer) needs no lock. With one lane there are no threads: post() runs the
// work before it returns. Threads start only when a post finds none free. They block all
// process-directed signals, so handlers run on the caller's threads.
//
// post() may be called from any thread, including by a lane's work. Work may wait for work posted
// earlier, never for work posted later. The destructor finishes all posted work and joins.
//
// Memory: a thread's stack a lane (some tens of KiB touched), and 64 bytes for each waiting piece
// of work.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace bale {

class Lanes {
 public:
  using Work = std::function<void(std::size_t lane)>;

  /// Requires count >= 1.
  explicit Lanes(std::size_t count);
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;
  ~Lanes();

  [[nodiscard]] std::size_t count() const { return count_; }

  /// Runs `work` on a lane, once one is free. It must not throw.
  void post(Work work);

  /// The number of processors that this process may use; at least 1. The default number of lanes.
  [[nodiscard]] static std::size_t available_processors();

 private:
  void run(std::size_t lane);

  const std::size_t count_;
  std::mutex mutex_;
  std::condition_variable work_came_;
  std::deque<Work> waiting_;
  std::size_t idle_ = 0;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

/// Bounds the pieces of work under way. Thread-safe.
class Window {
 public:
  explicit Window(std::size_t limit) : limit_(limit) {}

  /// Waits until fewer than `limit` pieces are under way, then adds one.
  void enter();
  void leave();
  void wait_until_empty();

 private:
  const std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable left_;
  std::size_t inside_ = 0;
};

}  // namespace bale
