// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Reads a child's output by lines and by pieces.

#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "bale/bytes.h"
#include "bale/result.h"
#include "git/child/process.h"

namespace bale {

/// A buffer over a child's standard output. The child must outlive it and not be moved. Not
/// thread-safe. Memory: 256 KiB.
class ChildOutput {
 public:
  static constexpr std::size_t kBufferBytes = 256 << 10;

  explicit ChildOutput(ChildProcess& child) : child_(&child), buffer_(kBufferBytes) {}

  /// The next line without its newline; nullopt at the end. The last line may lack a newline. Valid
  /// until the next call. A line longer than the buffer is truncated.
  Result<std::optional<std::string_view>> line();

  /// Reads up to out.size() bytes; 0 only at the end.
  Result<std::size_t> read(MutableBytes out);

  /// Skips exactly `count` bytes; false if the output ended before.
  Result<bool> skip(std::uint64_t count);

 private:
  [[nodiscard]] Bytes unread() const { return Bytes(buffer_).subspan(begin_, end_ - begin_); }

  Result<bool> fill();

  ChildProcess* child_;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;  // unread bytes are [begin_, end_)
  std::size_t end_ = 0;
};

}  // namespace bale
