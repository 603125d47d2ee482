// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "io/buffered.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/try.h"

namespace bale {

BufferedReader::BufferedReader(InputStream& stream, MutableBytes buffer,
                               BufferedReaderOptions options)
    : stream_(&stream), buffer_(buffer), offset_(options.offset), name_(std::move(options.name)) {
  CHECK(!buffer_.empty());
}

Result<BufferedReader> BufferedReader::create(InputStream& stream, Budget& budget,
                                              BufferedReaderOptions options) {
  Buffer buffer = TRY(Buffer::allocate(budget, options.buffer_bytes, "a read buffer"));
  const MutableBytes span = buffer.span();
  BufferedReader reader(stream, span, std::move(options));
  reader.owned_ = std::move(buffer);  // the move keeps its address
  return reader;
}

Result<std::size_t> BufferedReader::read_stream(MutableBytes out) {
  if (failure_) return *failure_;
  if (at_end_) return std::size_t{0};
  Result<std::size_t> got = stream_->read(out);
  if (!got) {
    failure_ = got.error();
    return got;
  }
  CHECK(*got <= out.size());
  if (*got == 0) at_end_ = true;
  return got;
}

Result<bool> BufferedReader::read_more() {
  CHECK(end_ < buffer_.size());
  const std::size_t got = TRY(read_stream(buffer_.subspan(end_)));
  end_ += got;
  return got > 0;
}

Error BufferedReader::ends_early(std::uint64_t missing_bytes) const {
  return fail(ErrorCode::kCorrupt, "{}: ends at offset {}, {} too early", name_, offset_,
              format_bytes(missing_bytes));
}

Result<Bytes> BufferedReader::peek(std::size_t size) {
  if (size > buffer_.size()) {
    return fail(ErrorCode::kLimitExceeded, "{}: {} at offset {} do not fit the buffer of {}", name_,
                format_bytes(size), offset_, format_bytes(buffer_.size()));
  }
  if (size > buffer_.size() - begin_) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  while (end_ - begin_ < size) {
    const bool more = TRY(read_more());
    if (!more) break;
  }
  return buffered().first(std::min(size, end_ - begin_));
}

Result<bool> BufferedReader::fill() {
  const Bytes next = TRY(peek(1));
  return !next.empty();
}

void BufferedReader::consume(std::size_t size) {
  CHECK(size <= end_ - begin_);
  begin_ += size;
  offset_ += size;
  if (begin_ == end_) begin_ = end_ = 0;
}

Result<std::size_t> BufferedReader::read(MutableBytes out) {
  if (out.empty()) return std::size_t{0};
  if (begin_ == end_ && out.size() >= buffer_.size()) {
    const std::size_t got = TRY(read_stream(out));
    offset_ += got;
    return got;
  }
  TRY_VOID(fill());
  const Bytes from = buffered().first(std::min(out.size(), end_ - begin_));
  std::memcpy(out.data(), from.data(), from.size());
  consume(from.size());
  return from.size();
}

Result<void> BufferedReader::read_exact(MutableBytes out) {
  while (!out.empty()) {
    const std::size_t got = TRY(read(out));
    if (got == 0) return ends_early(out.size());
    out = out.subspan(got);
  }
  return {};
}

Result<void> BufferedReader::skip(std::uint64_t size) {
  while (size > 0) {
    const bool more = TRY(fill());
    if (!more) return ends_early(size);
    const std::uint64_t step = std::min<std::uint64_t>(size, end_ - begin_);
    consume(step);
    size -= step;
  }
  return {};
}

}  // namespace bale
