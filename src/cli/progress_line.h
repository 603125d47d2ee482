// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// One line on a terminal that says how far an operation has come: phase, objects, bytes, rate and,
// where it can be known, the time left.

#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "bale/progress.h"

namespace bale::cli {

enum class ProgressMode : std::uint8_t {
  kAuto,  ///< only where standard error is a terminal
  kAlways,
  kNever,
};

/// "packing objects: 1200 of 3400, 45.0 MiB, 12.5 MiB/s, 3 s left". Rate and time left appear once
/// there is something to tell them from. Safe from any thread.
[[nodiscard]] std::string format_progress(const Progress& progress, double seconds);

/// "45 s", "3 min", "2 h": the time left need not be exact. Safe from any thread.
[[nodiscard]] std::string format_duration(double seconds);

/// Draws the line on a descriptor at most ten times a second, over the last one. Not thread-safe;
/// clears what it drew when it is destroyed.
class ProgressLine {
 public:
  using Clock = std::chrono::steady_clock;

  /// Draws nothing unless `enabled`.
  ProgressLine(int fd, bool enabled) : fd_(fd), enabled_(enabled) {}

  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  ~ProgressLine() { clear(); }

  /// Call it as often as you like.
  void report(const Progress& progress) { report_at(progress, Clock::now()); }

  /// The same with a clock of the caller's.
  void report_at(const Progress& progress, Clock::time_point now);

  /// Leaves an empty line, for other output or for good.
  void clear();

  [[nodiscard]] bool enabled() const { return enabled_; }

 private:
  void draw(const std::string& text);

  int fd_;
  bool enabled_;
  bool drawn_ = false;
  bool started_ = false;
  std::string phase_;
  Clock::time_point phase_start_;
  Clock::time_point last_draw_;
};

/// Whether standard error shall have a progress line.
[[nodiscard]] bool wants_progress(ProgressMode mode, bool quiet);

}  // namespace bale::cli
