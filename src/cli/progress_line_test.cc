// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The progress line: its text, how often it is drawn, and that it is cleared.

#include "cli/progress_line.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string_view>

namespace bale::cli {
namespace {

using std::chrono::milliseconds;

class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe(fds_.data()), 0); }

  ~Pipe() {
    ::close(fds_[0]);
    ::close(fds_[1]);
  }

  [[nodiscard]] int writer() const { return fds_[1]; }

  // All output so far, which must not be empty.
  std::string take() {
    std::array<char, 4096> buffer;
    const ssize_t got = ::read(fds_[0], buffer.data(), buffer.size());
    return {buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
  }

 private:
  std::array<int, 2> fds_{};
};

std::size_t count_of(char c, std::string_view text) {
  std::size_t count = 0;
  for (const char each : text) count += each == c ? 1u : 0u;
  return count;
}

TEST(ProgressLineTest, SaysOnlyWhatIsKnown) {
  EXPECT_EQ(format_progress({.phase = "reading"}, 0), "reading");
  EXPECT_EQ(format_progress({.phase = "packing", .objects = 7}, 0), "packing: 7");
  EXPECT_EQ(format_progress({.phase = "packing", .objects = 7, .bytes = 5 << 20}, 0.1),
            "packing: 7, 5.0 MiB");
}

TEST(ProgressLineTest, TellsRateAndTimeLeft) {
  EXPECT_EQ(format_progress(
                {.phase = "packing", .objects = 10, .objects_total = 40, .bytes = 20 << 20}, 2),
            "packing: 10 of 40, 20.0 MiB, 10.0 MiB/s, 6 s left");
  EXPECT_EQ(format_progress({.phase = "checking",
                             .objects = 1,
                             .objects_total = 1000,
                             .bytes = 1 << 20,
                             .bytes_total = 1 << 20},
                            1),
            "checking: 1 of 1000, 1.0 MiB, 1.0 MiB/s");
}

TEST(ProgressLineTest, DurationsAreRounded) {
  EXPECT_EQ(format_duration(0.2), "0 s");
  EXPECT_EQ(format_duration(99), "99 s");
  EXPECT_EQ(format_duration(600), "10 min");
  EXPECT_EQ(format_duration(36000), "10 h");
}

TEST(ProgressLineTest, IsRedrawnAtMostTenTimesASecond) {
  Pipe pipe;
  ProgressLine line(pipe.writer(), true);
  const ProgressLine::Clock::time_point start{};
  for (int i = 0; i < 1000; ++i) {
    line.report_at({.phase = "packing", .objects = 1}, start + milliseconds(i));
  }
  EXPECT_EQ(count_of('\r', pipe.take()), 10u);
}

TEST(ProgressLineTest, ClearsWhatItDrewAndOnlyThat) {
  Pipe pipe;
  {
    ProgressLine line(pipe.writer(), true);
    line.report({.phase = "packing"});
    EXPECT_EQ(pipe.take(), "\rpacking\x1b[K");
  }
  EXPECT_EQ(pipe.take(), "\r\x1b[K");
  {
    ProgressLine line(pipe.writer(), true);
    ProgressLine off(pipe.writer(), false);
    off.report({.phase = "packing"});
  }
  EXPECT_EQ(::write(pipe.writer(), "end", 3), 3);
  EXPECT_EQ(pipe.take(), "end");
}

TEST(ProgressLineTest, DoesNotWrapALongLine) {
  Pipe pipe;
  ProgressLine line(pipe.writer(), true);
  const std::string phase(500, 'x');
  line.report({.phase = phase});
  EXPECT_LT(count_of('x', pipe.take()), 80u);
}

TEST(ProgressLineTest, QuietAndNeverMeanNone) {
  EXPECT_FALSE(wants_progress(ProgressMode::kNever, false));
  EXPECT_FALSE(wants_progress(ProgressMode::kAlways, true));
  EXPECT_TRUE(wants_progress(ProgressMode::kAlways, false));
}

}  // namespace
}  // namespace bale::cli
