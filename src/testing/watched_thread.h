// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Lets one thread of a test wait until another one blocks in the system.
//
//   WatchedThread reader;
//   std::thread canceller([&] {
//     reader.await_blocked();
//     cancel = true;
//   });
//   reader.begin();
//   EXPECT_THAT(stream.read(out), FailsWith(ErrorCode::kInterrupted));

#pragma once

#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>

namespace bale {

class WatchedThread {
 public:
  /// Called by the watched thread before the blocking call.
  void begin() {
    id_ = ::gettid();
    id_.notify_all();
  }

  /// Returns once the watched thread has begun and blocks, or has ended.
  void await_blocked() const {
    id_.wait(0);
    const std::string path = "/proc/self/task/" + std::to_string(id_.load()) + "/stat";
    for (;;) {
      std::string line;
      std::getline(std::ifstream(path), line);
      // "ID (NAME) STATE ...": S sleeps, D waits for a disk, Z has ended.
      const std::size_t name_end = line.rfind(") ");
      if (name_end == std::string::npos || line.compare(name_end + 2, 1, "R") != 0) return;
      std::this_thread::yield();
    }
  }

 private:
  std::atomic<pid_t> id_ = 0;
};

}  // namespace bale
