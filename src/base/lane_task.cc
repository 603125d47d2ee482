// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The first to claim the work, under the lock, runs it: a lane, or the owner in wait() or
// abandon(). A later lane does nothing.

#include "base/lane_task.h"

#include <condition_variable>
#include <mutex>

#include "base/check.h"

namespace bale {

struct LaneTask::Shared {
  explicit Shared(Work posted) : work(std::move(posted)) {}

  bool claim() {
    const std::lock_guard lock(mutex);
    return !std::exchange(claimed, true);
  }

  void run() {
    Result<void> returned = work();
    const std::lock_guard lock(mutex);
    result = std::move(returned);
    done = true;
    finished.notify_all();
  }

  void wait_until_done() {
    std::unique_lock lock(mutex);
    finished.wait(lock, [&] { return done; });
  }

  const Work work;
  std::mutex mutex;
  std::condition_variable finished;
  bool claimed = false;
  bool done = false;
  Result<void> result;
};

void LaneTask::post(Lanes& lanes, Work work) {
  CHECK(shared_ == nullptr);
  shared_ = std::make_shared<Shared>(std::move(work));
  lanes.post([shared = shared_](std::size_t) {
    if (shared->claim()) shared->run();
  });
}

Result<void> LaneTask::wait() {
  if (shared_ == nullptr) return {};
  const std::shared_ptr<Shared> shared = std::move(shared_);
  if (shared->claim()) {
    shared->run();
  } else {
    shared->wait_until_done();
  }
  return std::move(shared->result);
}

void LaneTask::abandon() noexcept {
  if (shared_ == nullptr) return;
  if (!shared_->claim()) shared_->wait_until_done();
  shared_ = nullptr;
}

}  // namespace bale
