// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "io/buffered.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/error.h"
#include "testing/matchers.h"

namespace bale {
namespace {

/// Gives a few bytes at a time, as a pipe may; optionally fails at the end.
class SlowStream final : public InputStream {
 public:
  explicit SlowStream(std::string_view text, std::size_t step = SIZE_MAX)
      : rest_(as_bytes(text)), step_(step) {}

  void fail_at_end() { fails_ = true; }

  Result<std::size_t> read(MutableBytes out) override {
    const Bytes from = rest_.first(std::min({rest_.size(), out.size(), step_}));
    if (fails_ && from.empty()) return fail(ErrorCode::kIo, "read failure {}", ++failures_);
    std::copy(from.begin(), from.end(), out.begin());
    rest_ = rest_.subspan(from.size());
    return from.size();
  }

 private:
  Bytes rest_;
  std::size_t step_;
  bool fails_ = false;
  int failures_ = 0;
};

class BufferedReaderTest : public testing::Test {
 protected:
  BufferedReader reader(InputStream& stream) {
    return {stream, buffer_, {.name = "the list", .offset = 100}};
  }

  std::array<std::byte, 8> buffer_{};
};

TEST_F(BufferedReaderTest, PeekShowsWithoutConsuming) {
  SlowStream stream("0123456789", 3);
  BufferedReader in = reader(stream);
  EXPECT_EQ(as_text(in.peek(4).value()), "0123");
  EXPECT_EQ(as_text(in.peek(2).value()), "01");
  EXPECT_EQ(in.offset(), 100u);
  in.consume(3);
  EXPECT_EQ(in.offset(), 103u);
  EXPECT_EQ(as_text(in.peek(7).value()), "3456789");
  EXPECT_EQ(as_text(in.peek(8).value()), "3456789");
  EXPECT_THAT(in.peek(9), FailsWith(ErrorCode::kLimitExceeded, "the list"));
}

TEST_F(BufferedReaderTest, FillTellsTheEnd) {
  SlowStream stream("ab", 1);
  BufferedReader in = reader(stream);
  EXPECT_TRUE(in.fill().value());
  EXPECT_EQ(as_text(in.buffered()), "a");
  in.consume(1);
  EXPECT_TRUE(in.fill().value());
  in.consume(1);
  EXPECT_FALSE(in.fill().value());
  EXPECT_FALSE(in.fill().value());
}

TEST_F(BufferedReaderTest, ReadExactCrossesBuffersAndTellsAnEarlyEnd) {
  const std::string text = "0123456789abcdefghijklmnopqrstuvwxyz";
  for (const std::size_t step : {1u, 3u, 100u}) {
    SlowStream stream(text, step);
    BufferedReader in = reader(stream);
    std::string first(3, '?');
    std::string second(30, '?');
    ASSERT_THAT(in.read_exact(std::as_writable_bytes(std::span(first))), IsOk());
    ASSERT_THAT(in.read_exact(std::as_writable_bytes(std::span(second))), IsOk());
    EXPECT_EQ(first + second, text.substr(0, 33));
    EXPECT_EQ(in.offset(), 133u);
    EXPECT_THAT(in.read_exact(std::as_writable_bytes(std::span(second))),
                FailsWith(ErrorCode::kCorrupt, "the list: ends at offset 136, 27 bytes too early"));
  }
}

TEST_F(BufferedReaderTest, SkipGoesFarAndTellsAnEarlyEnd) {
  const std::string text(1000, 's');
  SlowStream stream(text, 7);
  BufferedReader in = reader(stream);
  ASSERT_THAT(in.skip(999), IsOk());
  EXPECT_EQ(in.offset(), 1099u);
  EXPECT_THAT(in.skip(2), FailsWith(ErrorCode::kCorrupt, "ends at offset 1100"));
}

TEST_F(BufferedReaderTest, AnErrorOfTheStreamIsFinal) {
  SlowStream stream("0123", 100);
  stream.fail_at_end();
  BufferedReader in = reader(stream);
  EXPECT_EQ(as_text(in.peek(4).value()), "0123");
  EXPECT_THAT(in.peek(5), FailsWith(ErrorCode::kIo, "read failure 1"));
  EXPECT_THAT(in.skip(5), FailsWith(ErrorCode::kIo, "read failure 1"));
}

TEST_F(BufferedReaderTest, ItsOwnBufferIsChargedAndMovesWithIt) {
  Budget budget(100'000);
  SlowStream stream("hello");
  {
    ASSERT_OK_AND_ASSIGN(in, BufferedReader::create(stream, budget, {.buffer_bytes = 60'000}));
    EXPECT_EQ(budget.used_bytes(), 60'000u);
    ASSERT_THAT(in.fill(), IsOk());
    BufferedReader moved = std::move(in);
    EXPECT_EQ(as_text(moved.peek(5).value()), "hello");
    EXPECT_THAT(BufferedReader::create(stream, budget, {.buffer_bytes = 60'000}),
                FailsWith(ErrorCode::kLimitExceeded));
  }
  EXPECT_EQ(budget.used_bytes(), 0u);
}

}  // namespace
}  // namespace bale
