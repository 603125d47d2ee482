// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// PayloadRing: the newest blocks of raw entries, in one buffer of fixed size: what deltas are made
// against, most of the time.
//
// Places are counted from the first byte that was ever appended. A block lies in one piece, so the
// buffer's end may stay empty.
//
// Memory: the buffer, charged. Not thread-safe.

#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

#include "bale/bytes.h"
#include "bale/result.h"
#include "base/budget.h"
#include "base/check.h"
#include "base/try.h"

namespace bale {

class PayloadRing {
 public:
  [[nodiscard]] static Result<PayloadRing> create(Budget& budget, std::uint64_t bytes) {
    return PayloadRing(TRY(Buffer::allocate(budget, bytes, "recent objects")));
  }

  /// Returns where the block lies now. Requires block.size() <= capacity().
  std::uint64_t append(Bytes block) {
    CHECK(block.size() <= capacity());
    const std::uint64_t left = capacity() - head_ % capacity();
    const std::uint64_t at = left >= block.size() ? head_ : head_ + left;
    if (!block.empty()) std::memcpy(buffer_.data() + at % capacity(), block.data(), block.size());
    head_ = at + block.size();
    return at;
  }

  /// Whether what was appended at `at` is still there.
  [[nodiscard]] bool holds(std::uint64_t at) const { return at + capacity() >= head_; }

  [[nodiscard]] Bytes view(std::uint64_t at, std::uint64_t size) const {
    return buffer_.span().subspan(at % capacity(), size);
  }

  [[nodiscard]] std::uint64_t capacity() const { return buffer_.size(); }

 private:
  explicit PayloadRing(Buffer buffer) : buffer_(std::move(buffer)) {}

  Buffer buffer_;
  std::uint64_t head_ = 0;
};

}  // namespace bale
