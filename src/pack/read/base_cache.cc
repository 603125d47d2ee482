// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/read/base_cache.h"

#include <cstring>
#include <utility>

namespace bale {

void BaseCache::reset(Buffer ring) {
  ring_ = std::move(ring);
  head_ = 0;
  used_ = 0;
  order_.clear();
  slots_.clear();
}

std::optional<BaseCache::Hit> BaseCache::find(const Key& key) const {
  const auto found = slots_.find(key);
  if (found == slots_.end()) return std::nullopt;
  const Slot& slot = found->second;
  return Hit{slot.type, slot.depth, ring_.span().subspan(slot.begin, slot.size)};
}

void BaseCache::drop_oldest() {
  slots_.erase(order_.front().first);
  used_ -= order_.front().second;
  order_.pop_front();
}

void BaseCache::put(const Key& key, ObjectType type, int depth, Bytes payload) {
  if (payload.empty() || payload.size() > ring_.size() / 4 || slots_.contains(key)) return;
  // A payload lies in one piece: what is left at the ring's end counts as part of it.
  const bool wraps = ring_.size() - head_ < payload.size();
  const std::size_t occupied = (wraps ? ring_.size() - head_ : 0) + payload.size();
  while (!order_.empty() &&
         (ring_.size() - used_ < occupied || order_.size() >= ring_.size() / kBytesPerSlot)) {
    drop_oldest();
  }
  const std::size_t begin = wraps ? 0 : head_;
  std::memcpy(ring_.data() + begin, payload.data(), payload.size());
  head_ = begin + payload.size();
  used_ += occupied;
  order_.emplace_back(key, occupied);
  slots_.emplace(key, Slot{type, depth, begin, payload.size()});
}

}  // namespace bale
