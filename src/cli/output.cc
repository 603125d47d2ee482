// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Standard output: small pieces are buffered, large ones written directly.

#include "cli/output.h"

#include <utility>

#include "base/try.h"

namespace bale::cli {
namespace {

constexpr std::size_t kBufferBytes = 32 << 10;

}  // namespace

Result<void> Output::line(std::string_view text) {
  TRY(append(as_bytes(text)));
  return append(as_bytes("\n"));
}

Result<void> Output::write(Bytes bytes) {
  raw_ = raw_ || !bytes.empty();
  return append(bytes);
}

Result<void> Output::append(Bytes bytes) {
  if (buffer_.size() + bytes.size() > kBufferBytes) TRY(flush());
  if (bytes.size() > kBufferBytes / 2) return stream_.write(bytes);
  buffer_ += as_text(bytes);
  return {};
}

Result<void> Output::flush() {
  // Does not retry after a failure.
  const std::string pending = std::exchange(buffer_, std::string());
  return stream_.write(as_bytes(pending));
}

}  // namespace bale::cli
