// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A buffer over a stream, charged to the budget: reads small pieces without copying them.
//
//   BufferedReader in = TRY(BufferedReader::create(stream, budget, {.name = "standard input"}));
//   const Bytes header = TRY(in.peek(8));
//   in.consume(header.size());
//
// Move-only, not thread-safe; the stream must outlive it.

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
  /// Names the input in messages.
  std::string name = "the input";
  /// offset() of the first byte.
  std::uint64_t offset = 0;
  /// For create(): all memory used, and the longest peek().
  std::size_t buffer_bytes = 64 << 10;
};

/// Returned views are valid until the next call of a non-const function. After an error of the
/// stream, every later call that needs more bytes fails with it.
class BufferedReader final : public InputStream {
 public:
  /// Reads through the caller's buffer, which must outlive it and not be empty.
  BufferedReader(InputStream& stream, MutableBytes buffer, BufferedReaderOptions options = {});

  /// With a buffer of its own; kLimitExceeded if the budget has no room for it.
  [[nodiscard]] static Result<BufferedReader> create(InputStream& stream, Budget& budget,
                                                     BufferedReaderOptions options = {});

  /// The next `size` bytes, without consuming them; fewer only at the end of the stream.
  /// kLimitExceeded if the buffer is smaller.
  Result<Bytes> peek(std::size_t size);

  /// Makes sure that at least one byte is buffered; false at the end of the stream.
  Result<bool> fill();

  /// The bytes buffered now, maybe none.
  [[nodiscard]] Bytes buffered() const { return buffer_.subspan(begin_, end_ - begin_); }

  /// Consumes buffered bytes. Requires size <= buffered().size().
  void consume(std::size_t size);

  Result<std::size_t> read(MutableBytes out) override;

  /// Fills `out`; kCorrupt, with the offset, if the stream ends early. Large reads bypass the
  /// buffer.
  Result<void> read_exact(MutableBytes out);

  /// Skips `size` bytes; kCorrupt, with the offset, if the stream ends early.
  Result<void> skip(std::uint64_t size);

  /// The offset of the next unconsumed byte.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }

  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  /// Reads once into the free part of the buffer, which must not be full; false at the end.
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

}  // namespace bale
