// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Standard output, buffered. A closed pipe is an Error for which is_closed_pipe() (io/stream.h) is
// true; the program then exits quietly with status 0.

#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "bale/bytes.h"
#include "bale/result.h"
#include "io/stream.h"

namespace bale::cli {

/// Not thread-safe. Buffers at most 32 KiB; the destructor drops unflushed bytes.
class Output {
 public:
  /// Writes to `fd`, which must stay open. kInterrupted soon after `cancel` becomes true.
  Output(int fd, const std::atomic<bool>* cancel) : stream_(fd, "standard output", cancel) {}

  /// `text` and a line end.
  Result<void> line(std::string_view text);

  /// Only these bytes: an object's, or a complete text.
  Result<void> write(Bytes bytes);

  Result<void> flush();

  /// Whether raw bytes were written, which JSON must not follow.
  [[nodiscard]] bool holds_raw_bytes() const { return raw_; }

 private:
  Result<void> append(Bytes bytes);

  FdOutputStream stream_;
  std::string buffer_;
  bool raw_ = false;
};

}  // namespace bale::cli
