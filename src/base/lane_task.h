// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// LaneTask: work that a lane does while its owner continues. If no lane has begun it when the owner
// needs the result, the owner does it.
//
//   LaneTask task;
//   task.post(lanes, [&] { return write(full_half); });
//   ... fill the other half ...
//   TRY(task.wait());
//
// So a lane may wait too (base/lanes.h: work must not wait for work posted later), as long as the
// work itself waits for nothing. The destructor waits for work that has begun, and drops work that
// has not.
//
// One owner at a time (thread-compatible); the work runs on one thread, after post() and before
// wait() returns. Movable. Memory: some 200 bytes of heap while a task is posted.

#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "bale/result.h"
#include "base/lanes.h"

namespace bale {

class LaneTask {
 public:
  using Work = std::function<Result<void>()>;

  LaneTask() = default;
  LaneTask(LaneTask&&) noexcept = default;

  LaneTask& operator=(LaneTask&& other) noexcept {
    abandon();
    shared_ = std::move(other.shared_);
    return *this;
  }

  LaneTask(const LaneTask&) = delete;
  LaneTask& operator=(const LaneTask&) = delete;

  ~LaneTask() { abandon(); }

  /// Requires that nothing is posted: wait() has returned since the last post(). `lanes` must
  /// outlive the task.
  void post(Lanes& lanes, Work work);

  /// Returns the work's result; success if nothing is posted.
  Result<void> wait();

 private:
  struct Shared;

  void abandon() noexcept;

  std::shared_ptr<Shared> shared_;  // with the lane; null if nothing is posted
};

}  // namespace bale
