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
  reader.owned_ = std::move(buffer);  // the memory stays where it is
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
  static_cast<void>(TRY(fill()));
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

Result<std::optional<Bytes>> BufferedReader::read_line(const LineOptions& options) {
  for (std::size_t searched = 0;;) {
    const Bytes have = buffered();
    const std::string_view text = as_text(have);
    const std::size_t end = text.find(options.delimiter, searched);
    const bool found = end != std::string_view::npos;
    const std::size_t line_bytes = found ? end : have.size();
    if (line_bytes > options.max_bytes || (!found && have.size() == buffer_.size())) {
      return fail(ErrorCode::kLimitExceeded, "{}: the line at offset {} is longer than {}", name_,
                  offset_, format_bytes(std::min(options.max_bytes, buffer_.size() - 1)));
    }
    if (found) {
      consume(line_bytes + 1);
      return std::optional<Bytes>(have.first(line_bytes));
    }
    searched = have.size();
    const Bytes more = TRY(peek(searched + 1));
    if (more.size() > searched) continue;
    if (searched == 0) return std::optional<Bytes>();
    if (options.must_end) {
      return fail(ErrorCode::kCorrupt, "{}: ends inside the line at offset {}", name_, offset_);
    }
    consume(searched);
    return std::optional<Bytes>(more);
  }
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

Result<BufferedWriter> BufferedWriter::create(File& file, Budget& budget,
                                              BufferedWriterOptions options) {
  CHECK(options.buffer_bytes > 0);
  Buffer buffer = TRY(Buffer::allocate(budget, options.buffer_bytes, "the write buffer"));
  return BufferedWriter(file, std::move(buffer), options.offset);
}

Result<void> BufferedWriter::write(Bytes data) {
  Result<void> written = file_->write_at(file_offset_, data);
  if (!written) {
    failure_ = written.error();
    return written;
  }
  file_offset_ += data.size();
  return {};
}

Result<void> BufferedWriter::append(Bytes data) {
  if (failure_) return *failure_;
  while (!data.empty()) {
    const std::size_t free = room() - used_;
    if (used_ == 0 && data.size() >= free) {
      // Whole blocks go straight from the caller's memory to the file, the first one up to the
      // next aligned offset.
      const std::size_t direct = free + (data.size() - free) / buffer_.size() * buffer_.size();
      TRY(write(data.first(direct)));
      data = data.subspan(direct);
      continue;
    }
    const Bytes piece = data.first(std::min(data.size(), free));
    std::memcpy(buffer_.data() + used_, piece.data(), piece.size());
    used_ += piece.size();
    data = data.subspan(piece.size());
    if (used_ == room()) TRY(flush());
  }
  return {};
}

Result<void> BufferedWriter::flush() {
  if (failure_) return *failure_;
  if (used_ == 0) return {};
  TRY(write(Bytes(buffer_.span()).first(used_)));
  used_ = 0;
  return {};
}

}  // namespace bale
