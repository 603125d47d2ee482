// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Buffers over streams and files, charged to the budget: reading small pieces and lines of a stream
// without copying them, and writing small pieces to a file in large, aligned writes.
//
//   BufferedReader in = TRY(BufferedReader::create(stream, budget, {.name = "standard input"}));
//   while (const std::optional<Bytes> line = TRY(in.read_line({.delimiter = '\0'}))) use(*line);
//
// Both are move-only, not thread-safe, and must not outlive what they stand on.

#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "bale/bytes.h"
#include "bale/file_system.h"
#include "bale/result.h"
#include "base/budget.h"
#include "io/stream.h"

namespace bale {

struct BufferedReaderOptions {
  /// For messages: what is being read.
  std::string name = "the input";
  /// What offset() says before the first byte.
  std::uint64_t offset = 0;
  /// For create(): the whole memory that it takes. Also the longest piece that can be peeked at.
  std::size_t buffer_bytes = 64 << 10;
};

struct LineOptions {
  char delimiter = '\n';
  /// A longer line, delimiter not counted, is kLimitExceeded; so is one that the buffer cannot
  /// hold with its delimiter.
  std::size_t max_bytes = std::numeric_limits<std::size_t>::max();
  /// A last line without its delimiter is kCorrupt. False: it is a line like the others.
  bool must_end = false;
};

/// It is a stream itself, so a LimitedInputStream over it can hand on one payload.
///
/// Views that it returns hold until the next call of any function that is not const. An error of
/// the stream is final: every later call that needs more bytes fails with it.
class BufferedReader final : public InputStream {
 public:
  /// Reads through the caller's buffer, which must outlive it and not be empty.
  BufferedReader(InputStream& stream, MutableBytes buffer, BufferedReaderOptions options = {});

  /// With a buffer of its own; kLimitExceeded if the budget has no room for it.
  [[nodiscard]] static Result<BufferedReader> create(InputStream& stream, Budget& budget,
                                                     BufferedReaderOptions options = {});

  /// The next `size` bytes, without consuming them; fewer only where the stream ends.
  /// kLimitExceeded if the buffer is smaller than that.
  Result<Bytes> peek(std::size_t size);

  /// Makes sure that at least one byte is buffered; false at the end of the stream.
  Result<bool> fill();

  /// What is buffered now, maybe nothing.
  [[nodiscard]] Bytes buffered() const { return buffer_.subspan(begin_, end_ - begin_); }

  /// Goes past bytes that were peeked at. Requires size <= buffered().size().
  void consume(std::size_t size);

  Result<std::size_t> read(MutableBytes out) override;

  /// Fills `out`; kCorrupt, with the offset, if the stream ends before. Large reads do not go
  /// through the buffer.
  Result<void> read_exact(MutableBytes out);

  /// A view of the next line without its delimiter; nullopt at the end.
  Result<std::optional<Bytes>> read_line(const LineOptions& options = {});

  /// Goes past `size` bytes; kCorrupt, with the offset, if the stream ends before.
  Result<void> skip(std::uint64_t size);

  /// The offset of the next byte that is not consumed yet.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }

  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  /// Reads once more into the free part of the buffer, which must not be full: false at the end.
  Result<bool> read_more();
  Result<std::size_t> read_stream(MutableBytes out);
  [[nodiscard]] Error ends_early(std::uint64_t missing_bytes) const;

  InputStream* stream_;
  Buffer owned_;
  MutableBytes buffer_;
  std::size_t begin_ = 0;  // buffer_[begin_, end_) is read and not consumed
  std::size_t end_ = 0;
  std::uint64_t offset_;
  std::string name_;
  bool at_end_ = false;
  std::optional<Error> failure_;
};

struct BufferedWriterOptions {
  /// Where in the file the first byte goes.
  std::uint64_t offset = 0;
  /// The whole memory that it takes, and the alignment of its writes. Not zero.
  std::size_t buffer_bytes = 1 << 20;
};

/// Appends to a file from an offset on. All writes but the first, and those after a flush(), begin
/// at multiples of the buffer's size and are as long. Destruction drops what was not flushed. After
/// a write that failed every further call fails with its error.
class BufferedWriter {
 public:
  /// kLimitExceeded if the budget has no room for the buffer.
  [[nodiscard]] static Result<BufferedWriter> create(File& file, Budget& budget,
                                                     BufferedWriterOptions options = {});

  Result<void> append(Bytes data);

  /// Hands all that was appended to the file. Does not sync it.
  Result<void> flush();

  /// Where the next byte that is appended will stand.
  [[nodiscard]] std::uint64_t offset() const { return file_offset_ + used_; }

  /// Everything before it was handed to the file.
  [[nodiscard]] std::uint64_t flushed_offset() const { return file_offset_; }

 private:
  BufferedWriter(File& file, Buffer buffer, std::uint64_t offset)
      : file_(&file), buffer_(std::move(buffer)), file_offset_(offset) {}

  Result<void> write(Bytes data);

  /// How many bytes there are from file_offset_ to the next aligned offset.
  [[nodiscard]] std::size_t room() const { return buffer_.size() - file_offset_ % buffer_.size(); }

  File* file_;
  Buffer buffer_;
  std::uint64_t file_offset_;  // where the buffer's first byte goes
  std::size_t used_ = 0;
  std::optional<Error> failure_;
};

}  // namespace bale
