// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The progress line. Write errors are ignored: progress never fails an operation.

#include "cli/progress_line.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "base/budget.h"

namespace bale::cli {
namespace {

constexpr auto kRedraw = std::chrono::milliseconds(100);
// A rate over a shorter time is noise.
constexpr double kRateSeconds = 0.5;
constexpr std::size_t kDefaultColumns = 80;

// The share of the phase that is done, 0..1; 0 if unknown.
double fraction_done(const Progress& progress) {
  const bool by_bytes = progress.bytes_total != 0;
  const std::uint64_t total = by_bytes ? progress.bytes_total : progress.objects_total;
  const std::uint64_t done = by_bytes ? progress.bytes : progress.objects;
  if (total == 0) return 0;
  return std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
}

std::size_t columns(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kDefaultColumns;
  return size.ws_col;
}

}  // namespace

std::string format_duration(double seconds) {
  if (seconds < 99.5) return fmt::format("{:.0f} s", seconds);
  if (seconds < 99.5 * 60) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.0f} h", seconds / 3600);
}

std::string format_progress(const Progress& progress, double seconds) {
  std::string text(progress.phase);
  std::string_view separator = ": ";
  const auto append = [&](const std::string& piece) {
    text += separator;
    text += piece;
    separator = ", ";
  };
  if (progress.objects_total != 0) {
    append(fmt::format("{} of {}", progress.objects, progress.objects_total));
  } else if (progress.objects != 0) {
    append(fmt::format("{}", progress.objects));
  }
  if (progress.bytes != 0) append(format_bytes(progress.bytes));
  if (seconds >= kRateSeconds && progress.bytes != 0) {
    const double rate = static_cast<double>(progress.bytes) / seconds;
    append(format_bytes(static_cast<std::uint64_t>(rate)) + "/s");
  }
  const double fraction = fraction_done(progress);
  if (seconds >= kRateSeconds && fraction > 0 && fraction < 1) {
    append(format_duration(seconds / fraction * (1 - fraction)) + " left");
  }
  return text;
}

void ProgressLine::report_at(const Progress& progress, Clock::time_point now) {
  if (!enabled_) return;
  if (!started_ || progress.phase != phase_) {
    phase_ = progress.phase;
    phase_start_ = now;
  }
  if (started_ && now - last_draw_ < kRedraw) return;
  started_ = true;
  last_draw_ = now;
  draw(format_progress(progress, std::chrono::duration<double>(now - phase_start_).count()));
}

void ProgressLine::draw(const std::string& text) {
  // Returns to the first column, writes the text and clears the rest. One column stays free: a full
  // line would wrap.
  const std::string line = "\r" + text.substr(0, columns(fd_) - 1) + "\x1b[K";
  static_cast<void>(::write(fd_, line.data(), line.size()) < 0);
  drawn_ = true;
}

void ProgressLine::clear() {
  if (drawn_) draw("");
  drawn_ = false;
}

bool wants_progress(ProgressMode mode, bool quiet) {
  if (quiet || mode == ProgressMode::kNever) return false;
  return mode == ProgressMode::kAlways || ::isatty(STDERR_FILENO) == 1;
}

}  // namespace bale::cli
