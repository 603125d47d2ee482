// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// One line on a terminal with an operation's progress: phase, objects, bytes, rate and, if known,
// the time left.

#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "bale/progress.h"

namespace bale::cli {

enum class ProgressMode : std::uint8_t {
  kAuto,  ///< only if standard error is a terminal
  kAlways,
  kNever,
};

/// "packing objects: 1200 of 3400, 45.0 MiB, 12.5 MiB/s, 3 s left". Rate and time left appear once
/// they can be estimated. Thread-safe.
[[nodiscard]] std::string format_progress(const Progress& progress, double seconds);

/// "45 s", "3 min", "2 h", rounded. Thread-safe.
[[nodiscard]] std::string format_duration(double seconds);

/// Draws the line on a descriptor at most ten times a second, over the last one. Not thread-safe;
/// the destructor clears the line.
class ProgressLine {
 public:
  using Clock = std::chrono::steady_clock;

  /// Draws nothing unless `enabled`.
  ProgressLine(int fd, bool enabled) : fd_(fd), enabled_(enabled) {}

  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  ~ProgressLine() { clear(); }

  /// May be called any number of times.
  void report(const Progress& progress) { report_at(progress, Clock::now()); }

  /// The same with the caller's clock.
  void report_at(const Progress& progress, Clock::time_point now);

  /// Clears the line, before other output or at the end.
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

/// Whether to show a progress line on standard error.
[[nodiscard]] bool wants_progress(ProgressMode mode, bool quiet);

}  // namespace bale::cli
