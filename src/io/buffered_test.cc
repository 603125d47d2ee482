// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "io/buffered.h"

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include "base/error.h"
#include "io/faulty_file_system.h"
#include "io/memory_file_system.h"
#include "testing/matchers.h"

namespace bale {
namespace {

/// Gives a few bytes at a time, as a pipe may, and fails at the end if it is told to.
class SlowStream final : public InputStream {
 public:
  SlowStream(std::string_view text, std::size_t step) : below_(as_bytes(text)), step_(step) {}

  void fail_at_end() { fails_ = true; }

  Result<std::size_t> read(MutableBytes out) override {
    Result<std::size_t> got = below_.read(out.first(std::min(out.size(), step_)));
    if (fails_ && *got == 0) return fail(ErrorCode::kIo, "read failure {}", ++failures_);
    return got;
  }

 private:
  MemoryInputStream below_;
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

TEST_F(BufferedReaderTest, LinesAreSplitAtTheDelimiter) {
  for (const std::size_t step : {1u, 2u, 100u}) {
    SlowStream stream(std::string_view("one\0\0three\0end", 14), step);
    BufferedReader in = reader(stream);
    std::vector<std::string> lines;
    for (;;) {
      ASSERT_OK_AND_ASSIGN(line, in.read_line({.delimiter = '\0'}));
      if (!line) break;
      lines.emplace_back(as_text(*line));
    }
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "", "three", "end"}));
    EXPECT_EQ(in.offset(), 114u);
  }
}

TEST_F(BufferedReaderTest, ALineWithoutItsDelimiterIsCorruptWhereItMustHaveOne) {
  SlowStream stream("one\ntw", 2);
  BufferedReader in = reader(stream);
  ASSERT_THAT(in.read_line({.must_end = true}), IsOk());
  EXPECT_THAT(in.read_line({.must_end = true}),
              FailsWith(ErrorCode::kCorrupt, "the list: ends inside the line at offset 104"));
}

TEST_F(BufferedReaderTest, LinesThatAreTooLongAreRefused) {
  MemoryInputStream fits(as_bytes("1234567\n"));
  EXPECT_EQ(as_text(*reader(fits).read_line().value()), "1234567");
  MemoryInputStream too_long(as_bytes("12345678\n"));
  EXPECT_THAT(reader(too_long).read_line(),
              FailsWith(ErrorCode::kLimitExceeded, "at offset 100 is longer than 7 bytes"));
  MemoryInputStream limited(as_bytes("12345\n"));
  EXPECT_THAT(reader(limited).read_line({.max_bytes = 4}),
              FailsWith(ErrorCode::kLimitExceeded, "longer than 4 bytes"));
}

TEST_F(BufferedReaderTest, LinesAndPayloadsMix) {
  // The shape of `git cat-file --batch`.
  SlowStream stream("b 11\nhello world\nb 2\nxy\n", 4);
  BufferedReader in = reader(stream);
  EXPECT_EQ(as_text(*in.read_line().value()), "b 11");
  std::string payload(11, '?');
  ASSERT_THAT(in.read_exact(std::as_writable_bytes(std::span(payload))), IsOk());
  EXPECT_EQ(payload, "hello world");
  ASSERT_THAT(in.skip(1), IsOk());
  EXPECT_EQ(as_text(*in.read_line().value()), "b 2");
  LimitedInputStream limited(in, 2);
  std::array<std::byte, 100> out{};
  EXPECT_EQ(limited.read(out).value(), 2u);
  EXPECT_EQ(limited.read(out).value(), 0u);
  EXPECT_EQ(as_text(*in.read_line().value()), "");
  EXPECT_EQ(in.read_line().value(), std::nullopt);
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
  EXPECT_THAT(in.read_line(), FailsWith(ErrorCode::kIo, "read failure 1"));
  EXPECT_THAT(in.skip(5), FailsWith(ErrorCode::kIo, "read failure 1"));
}

TEST_F(BufferedReaderTest, ItsOwnBufferIsChargedAndMovesWithIt) {
  Budget budget(100'000);
  MemoryInputStream stream(as_bytes("hello\n"));
  {
    ASSERT_OK_AND_ASSIGN(in, BufferedReader::create(stream, budget, {.buffer_bytes = 60'000}));
    EXPECT_EQ(budget.used_bytes(), 60'000u);
    ASSERT_THAT(in.fill(), IsOk());
    BufferedReader moved = std::move(in);
    EXPECT_EQ(as_text(*moved.read_line().value()), "hello");
    EXPECT_THAT(BufferedReader::create(stream, budget, {.buffer_bytes = 60'000}),
                FailsWith(ErrorCode::kLimitExceeded));
  }
  EXPECT_EQ(budget.used_bytes(), 0u);
}

class BufferedWriterTest : public testing::Test {
 protected:
  BufferedWriter writer(std::uint64_t offset) {
    return BufferedWriter::create(*file_, budget_, {.offset = offset, .buffer_bytes = 16}).value();
  }

  std::string content() {
    const std::unique_ptr<Mapping> mapping = file_->map().value();
    return std::string(as_text(mapping->bytes()));
  }

  Budget budget_{1000};
  MemoryFileSystem memory_;
  FaultyFileSystem files_{memory_};
  std::unique_ptr<File> file_ = files_.create("/a", CreateMode::kTruncate).value();
};

TEST_F(BufferedWriterTest, NothingIsWrittenBeforeItMustBe) {
  BufferedWriter out = writer(0);
  EXPECT_EQ(budget_.used_bytes(), 16u);
  ASSERT_THAT(out.append(as_bytes("0123456789")), IsOk());
  EXPECT_EQ(out.offset(), 10u);
  EXPECT_EQ(out.flushed_offset(), 0u);
  EXPECT_EQ(file_->size().value(), 0u);
  ASSERT_THAT(out.flush(), IsOk());
  EXPECT_EQ(out.flushed_offset(), 10u);
  EXPECT_EQ(content(), "0123456789");
}

TEST_F(BufferedWriterTest, WritesAreAlignedWhateverTheOffset) {
  files_.start_trace();
  BufferedWriter out = writer(5);
  for (int i = 0; i < 30; ++i) ASSERT_THAT(out.append(as_bytes("abc")), IsOk());
  ASSERT_THAT(out.flush(), IsOk());
  std::vector<std::uint64_t> offsets;
  for (const IoEvent& event : files_.trace()) offsets.push_back(event.offset);
  EXPECT_EQ(offsets, (std::vector<std::uint64_t>{5, 16, 32, 48, 64, 80}));
}

TEST_F(BufferedWriterTest, WholeBlocksGoStraightToTheFile) {
  files_.start_trace();
  BufferedWriter out = writer(5);
  ASSERT_THAT(out.append(as_bytes(std::string(100, 'x'))), IsOk());
  EXPECT_EQ(out.flushed_offset(), 96u);
  EXPECT_EQ(out.offset(), 105u);
  EXPECT_EQ(files_.trace().size(), 1u);
}

TEST_F(BufferedWriterTest, AnyPiecesMakeTheSameFile) {
  std::mt19937_64 random(5);
  BufferedWriter out = writer(3);
  std::string expected(3, '\0');
  for (int i = 0; i < 1000; ++i) {
    const std::string piece(random() % 50, static_cast<char>('a' + i % 26));
    ASSERT_THAT(out.append(as_bytes(piece)), IsOk());
    expected += piece;
    if (random() % 10 == 0) {
      ASSERT_THAT(out.flush(), IsOk());
    }
    ASSERT_EQ(out.offset(), expected.size());
  }
  ASSERT_THAT(out.flush(), IsOk());
  EXPECT_EQ(content(), expected);
}

TEST_F(BufferedWriterTest, AfterAFailureItFailsForGood) {
  BufferedWriter out = writer(0);
  files_.inject({.kinds = io_kinds({IoKind::kWrite})});
  EXPECT_THAT(out.append(as_bytes(std::string(20, 'x'))), FailsWith(ErrorCode::kIo));
  EXPECT_THAT(out.append(as_bytes("y")), FailsWith(ErrorCode::kIo));
  EXPECT_THAT(out.flush(), FailsWith(ErrorCode::kIo));
  EXPECT_EQ(file_->size().value(), 0u);
}

TEST_F(BufferedWriterTest, DestructionDropsWhatWasNotFlushed) {
  {
    BufferedWriter out = writer(0);
    ASSERT_THAT(out.append(as_bytes("x")), IsOk());
  }
  EXPECT_EQ(file_->size().value(), 0u);
  EXPECT_EQ(budget_.used_bytes(), 0u);
}

}  // namespace
}  // namespace bale
