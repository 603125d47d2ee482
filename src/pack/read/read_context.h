// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The working memory behind a ReadContext: one thread's buffers, all charged to one budget.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "bale/pack_reader.h"
#include "base/budget.h"
#include "codec/zstd.h"
#include "pack/read/base_cache.h"

namespace bale {

class BALE_HIDDEN ReadContext::Impl {
 public:
  explicit Impl(std::uint64_t memory_bytes) : budget_(memory_bytes) {}

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  /// The buffers by what they hold; room() gives each of them out again and again.
  enum Use : std::uint8_t { kStored, kProgram, kEven, kOdd, kUseCount };

  /// `size` bytes of the buffer for this use; what it held before is gone. The cache of bases makes
  /// way for it. kLimitExceeded, with the memory that would do.
  Result<MutableBytes> room(Use use, std::uint64_t size, std::string_view what);

  Result<Decompressor*> decompressor();

  /// The same for the window, which is kWindowBytes.
  Result<void> ensure_window();

  /// Gives back everything. From now on nothing is taken in advance, nor for a cache, until
  /// end_frugal(): what one object needs at most is what it takes.
  void start_frugal();

  void end_frugal() { frugal_ = false; }

  /// The cache; it takes its memory at the first call of enable_cache().
  [[nodiscard]] BaseCache& cache() { return cache_; }

  void enable_cache();

  [[nodiscard]] Budget& budget() { return budget_; }

  /// What one read brings where reading goes on from where it was.
  static constexpr std::size_t kWindowBytes = 64 << 10;

  // The piece of a pack that was read last: small entries that follow each other cost one read.
  struct Window {
    std::uint64_t pack = 0;
    std::uint64_t offset = 0;
    std::size_t size = 0;
    Buffer buffer;
  };

  Window window;

 private:
  // The cache of bases gives up its memory if less than that is free.
  void make_way(std::uint64_t bytes);

  Budget budget_;
  std::optional<Decompressor> decompressor_;
  Buffer buffers_[kUseCount];
  BaseCache cache_;
  bool cache_dropped_ = false;
  bool frugal_ = false;
};

struct ReadContextAccess {
  using Impl = ReadContext::Impl;

  static Impl& impl(ReadContext& context) { return *context.impl_; }
};

using ReadMemory = ReadContextAccess::Impl;

[[nodiscard]] inline ReadMemory& read_memory(ReadContext& context) {
  return ReadContextAccess::impl(context);
}

}  // namespace bale
