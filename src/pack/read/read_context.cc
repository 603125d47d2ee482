// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/read/read_context.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/try.h"

namespace bale {
namespace {

// Buffers grow in powers of two from here on, so that objects of like sizes share them.
constexpr std::uint64_t kSmallestRoomBytes = 64 << 10;

// A buffer larger than this is not kept for the next, smaller object.
constexpr std::uint64_t kLargestKeptBytes = 4 << 20;

}  // namespace

Result<MutableBytes> ReadContext::Impl::room(Use use, std::uint64_t size, std::string_view what) {
  Buffer& buffer = buffers_[use];
  if (buffer.size() < size || (buffer.size() > kLargestKeptBytes && size < kLargestKeptBytes / 2)) {
    buffer = Buffer();
    const std::uint64_t generous = std::bit_ceil(std::max(size, kSmallestRoomBytes));
    const std::uint64_t wanted = generous <= budget_.free_bytes() && !frugal_ ? generous : size;
    make_way(wanted);
    buffer = TRY(Buffer::allocate(budget_, wanted, what));
  }
  return buffer.span().first(size);
}

void ReadContext::Impl::make_way(std::uint64_t bytes) {
  if (bytes <= budget_.free_bytes() || !cache_.enabled()) return;
  cache_.reset(Buffer());
  cache_dropped_ = true;
}

Result<Decompressor*> ReadContext::Impl::decompressor() {
  if (!decompressor_) {
    make_way(Decompressor::memory_bytes());
    decompressor_ = TRY(Decompressor::create(budget_));
  }
  return &*decompressor_;
}

Result<void> ReadContext::Impl::ensure_window() {
  if (window.buffer.size() > 0) return {};
  make_way(kWindowBytes);
  window.buffer = TRY(Buffer::allocate(budget_, kWindowBytes, "reading a pack"));
  return {};
}

void ReadContext::Impl::start_frugal() {
  frugal_ = true;
  window = Window();
  decompressor_.reset();
  for (Buffer& buffer : buffers_) buffer = Buffer();
  cache_.reset(Buffer());
}

void ReadContext::Impl::enable_cache() {
  if (cache_.enabled() || cache_dropped_ || frugal_) return;
  // Half of what is allowed: the rest is for the objects themselves.
  Result<Buffer> ring = Buffer::allocate(budget_, budget_.free_bytes() / 2, "the cache of bases");
  if (ring) cache_.reset(std::move(*ring));
}

ReadContext::ReadContext(std::uint64_t memory_bytes)
    : impl_(std::make_unique<Impl>(memory_bytes)) {}

ReadContext::ReadContext(ReadContext&&) noexcept = default;
ReadContext& ReadContext::operator=(ReadContext&&) noexcept = default;
ReadContext::~ReadContext() = default;

}  // namespace bale
