// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Buffers a child's pipe. Large payloads bypass the buffer.

#include "git/child/child_output.h"

#include <algorithm>
#include <cstring>

#include "base/try.h"

namespace bale {

// Appends to the unread bytes, after moving them to the front if there is no room. False at the end
// of the output.
Result<bool> ChildOutput::fill() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ == buffer_.size()) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  const std::size_t got = TRY(child_->read(MutableBytes(buffer_).subspan(end_)));
  end_ += got;
  return got > 0;
}

Result<std::optional<std::string_view>> ChildOutput::line() {
  std::size_t searched = 0;
  for (;;) {
    const std::string_view text = as_text(unread());
    const std::size_t newline = text.find('\n', searched);
    if (newline != std::string_view::npos) {
      begin_ += newline + 1;
      return text.substr(0, newline);
    }
    searched = text.size();
    if (text.size() == buffer_.size()) break;
    if (!TRY(fill())) {
      const std::string_view rest = as_text(unread());
      begin_ = end_;
      if (rest.empty()) return std::nullopt;
      return rest;
    }
  }
  // Longer than the buffer: keep half of it, and look for the newline in the other half.
  const std::size_t kept = buffer_.size() / 2;
  for (;;) {
    end_ = kept;
    const std::size_t got = TRY(child_->read(MutableBytes(buffer_).subspan(kept)));
    end_ += got;
    const std::size_t newline = as_text(unread().subspan(kept)).find('\n');
    if (newline == std::string_view::npos && got > 0) continue;
    begin_ = newline == std::string_view::npos ? end_ : kept + newline + 1;
    return as_text(Bytes(buffer_).first(kept));
  }
}

Result<std::size_t> ChildOutput::read(MutableBytes out) {
  if (out.empty()) return std::size_t{0};
  if (begin_ == end_) {
    if (out.size() >= buffer_.size()) return child_->read(out);
    if (!TRY(fill())) return std::size_t{0};
  }
  const Bytes piece = unread().first(std::min(out.size(), end_ - begin_));
  std::memcpy(out.data(), piece.data(), piece.size());
  begin_ += piece.size();
  return piece.size();
}

Result<bool> ChildOutput::skip(std::uint64_t count) {
  while (count > 0) {
    if (begin_ == end_ && !TRY(fill())) return false;
    const std::uint64_t piece = std::min<std::uint64_t>(count, end_ - begin_);
    begin_ += static_cast<std::size_t>(piece);
    count -= piece;
  }
  return true;
}

}  // namespace bale
