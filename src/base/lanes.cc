// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// One queue under one lock: a piece of work processes some hundred KiB in about a millisecond, so
// the lock is not contended.

#include "base/lanes.h"

#include <pthread.h>
#include <sched.h>

#include <csignal>
#include <utility>

#include "base/check.h"

namespace bale {
namespace {

// A thread inherits its starter's mask. Faults stay unblocked: a blocked one would end the program.
class WithoutSignals {
 public:
  WithoutSignals() {
    sigset_t blocked;
    sigfillset(&blocked);
    for (const int fault : {SIGBUS, SIGSEGV, SIGFPE, SIGILL}) sigdelset(&blocked, fault);
    pthread_sigmask(SIG_SETMASK, &blocked, &before_);
  }

  WithoutSignals(const WithoutSignals&) = delete;
  WithoutSignals& operator=(const WithoutSignals&) = delete;

  ~WithoutSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace

Lanes::Lanes(std::size_t count) : count_(count) {
  CHECK(count >= 1);
}

Lanes::~Lanes() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  work_came_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Lanes::post(Work work) {
  if (count_ == 1) return work(0);
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(work));
  // While the pool ends, the lane that posts this runs it later.
  if (waiting_.size() > idle_ && threads_.size() < count_ && !ending_) {
    const WithoutSignals without_signals;
    threads_.emplace_back(&Lanes::run, this, threads_.size());
  } else {
    work_came_.notify_one();
  }
}

void Lanes::run(std::size_t lane) {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    work_came_.wait(lock, [&] { return ending_ || !waiting_.empty(); });
    --idle_;
    if (waiting_.empty()) return;
    const Work work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work(lane);
    lock.lock();
  }
}

std::size_t Lanes::available_processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    const int count = CPU_COUNT(&set);
    if (count > 0) return static_cast<std::size_t>(count);
  }
  const unsigned count = std::thread::hardware_concurrency();
  return count == 0 ? 1 : count;
}

void Window::enter() {
  std::unique_lock lock(mutex_);
  left_.wait(lock, [&] { return inside_ < limit_; });
  ++inside_;
}

void Window::leave() {
  // Under the lock: a thread in wait_until_empty() may destroy the window right after.
  const std::lock_guard lock(mutex_);
  --inside_;
  left_.notify_all();
}

void Window::wait_until_empty() {
  std::unique_lock lock(mutex_);
  left_.wait(lock, [&] { return inside_ == 0; });
}

}  // namespace bale
