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
// A lane has a number, 0..count-1, and runs one piece of work at a time: what belongs to a lane (a
// compression context, a buffer) needs no lock. With one lane there is no thread at all: post()
// runs the work before it returns. Threads are started by the first posts that find none free, so
// little work costs none. They block every signal that is sent to a process, so handlers run on the
// caller's threads.
//
// post() may be called from any thread, a lane's work too. Work may wait for work that was posted
// before it, never for work posted after it. The destructor runs what was posted and joins.
//
// Memory: a thread's stack a lane (touched as far as work goes, some tens of KiB), and 64 bytes a
// piece of work that waits.

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

  /// How many processors this process may use; at least 1. The default number of lanes.
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

/// How many pieces of work may be under way: the bound of a queue. Thread-safe.
class Window {
 public:
  explicit Window(std::size_t limit) : limit_(limit) {}

  /// Waits until fewer than `limit` are inside, and goes in.
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
