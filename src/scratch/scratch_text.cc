// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "scratch/scratch_text.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/try.h"

namespace bale {
namespace {

constexpr std::size_t kTextPieceBytes = 16 << 10;

}  // namespace

Result<void> ScratchText::append(std::string_view text) {
  if (memory_.size() + text.size() > memory_bytes_) {
    if (file_ == nullptr) {
      Result<std::unique_ptr<File>> made = files_->create_unnamed(scratch_directory_);
      // That a directory for scratch is not there says nothing of what is read.
      if (!made) return fail(ErrorCode::kIo, "{}", made.error().message);
      file_ = std::move(*made);
    }
    TRY(file_->write_at(file_bytes_, as_bytes(memory_)));
    file_bytes_ += memory_.size();
    memory_.clear();
  }
  memory_ += text;
  return {};
}

Result<std::size_t> ScratchText::read_at(std::uint64_t offset, MutableBytes out) const {
  if (offset < file_bytes_) {
    const auto size =
        static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), file_bytes_ - offset));
    if (TRY(file_->read_at(offset, out.first(size))) == size) return size;
    return fail(ErrorCode::kIo, "{}: scratch is shorter than it was written", file_->path());
  }
  const auto begin =
      static_cast<std::size_t>(std::min<std::uint64_t>(offset - file_bytes_, memory_.size()));
  const std::size_t size = std::min(out.size(), memory_.size() - begin);
  std::memcpy(out.data(), memory_.data() + begin, size);
  return size;
}

Result<std::optional<std::string_view>> ScratchText::Lines::next() {
  for (std::size_t searched = used_;;) {
    const std::size_t newline = buffer_.find('\n', searched);
    if (newline != std::string::npos) {
      const std::string_view line = std::string_view(buffer_).substr(used_, newline - used_);
      used_ = newline + 1;
      return line;
    }
    buffer_.erase(0, used_);
    used_ = 0;
    searched = buffer_.size();
    if (searched > kMaxLineBytes && !cuts_long_lines_) {
      return fail(ErrorCode::kCorrupt, "a line is longer than {} bytes", kMaxLineBytes);
    }
    // The rest of a line that was cut is read, and dropped.
    if (searched > kMaxLineBytes) buffer_.resize(searched = kMaxLineBytes);
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(kTextPieceBytes, end_ - position_));
    if (wanted == 0) break;
    buffer_.resize(searched + wanted);
    const MutableBytes free(reinterpret_cast<std::byte*>(buffer_.data()) + searched, wanted);
    const std::size_t got =
        TRY(file_ != nullptr ? file_->read_at(position_, free) : text_->read_at(position_, free));
    buffer_.resize(searched + got);
    if (got == 0) return fail(ErrorCode::kIo, "{}: it became shorter", file_->path());
    position_ += got;
  }
  if (buffer_.empty()) return std::nullopt;
  used_ = buffer_.size();
  return std::string_view(buffer_);
}

}  // namespace bale
