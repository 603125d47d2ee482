// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Progress and cancellation of long operations.
//
// A long operation takes a `const Operation&` among its options. It checks `cancel` every few
// milliseconds; once set, it cleans up and returns kInterrupted. It calls `report` on the thread
// that called it.

#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>

namespace bale {

/// The state of a long operation.
struct Progress {
  std::string_view phase;           ///< "reading objects", "writing the index", ...
  std::uint64_t objects = 0;        ///< done so far in this phase
  std::uint64_t objects_total = 0;  ///< 0 if unknown
  std::uint64_t bytes = 0;          ///< done so far in this phase
  std::uint64_t bytes_total = 0;    ///< 0 if unknown
};

struct Operation {
  /// May be empty. Called often: the callee decides how often to draw.
  std::function<void(const Progress&)> report;
  /// May be null. Set to true from any thread or a signal handler to stop the operation.
  const std::atomic<bool>* cancel = nullptr;

  [[nodiscard]] bool cancelled() const {
    return cancel != nullptr && cancel->load(std::memory_order_relaxed);
  }

  void progress(const Progress& progress) const {
    if (report) report(progress);
  }
};

}  // namespace bale
