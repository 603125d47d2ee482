// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// BaseCache: payloads that deltas may need again, the newest ones, in one buffer of fixed size.
//
// A ring: what is put in goes to the head and takes the place of what was put in longest ago. One
// allocation, no fragmentation, exact bounds. Not thread-safe.

#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

#include "bale/object.h"
#include "base/budget.h"

namespace bale {

class BaseCache {
 public:
  struct Key {
    std::uint64_t pack = 0;    ///< a number of the pack, unique in the process
    std::uint64_t offset = 0;  ///< of the entry in it

    bool operator==(const Key&) const = default;
  };

  struct Hit {
    ObjectType type = ObjectType::kBlob;
    int depth = 0;  ///< deltas that were applied to rebuild it
    Bytes payload;  ///< valid until the next put()
  };

  /// An empty cache that holds nothing: until reset().
  BaseCache() = default;

  /// Forgets everything and uses `ring` from now on.
  void reset(Buffer ring);

  [[nodiscard]] bool enabled() const { return ring_.size() > 0; }

  [[nodiscard]] std::optional<Hit> find(const Key& key) const;

  /// Does nothing with payloads that would fill more than a quarter of the ring, or are in already.
  /// `payload` must not lie in this cache.
  void put(const Key& key, ObjectType type, int depth, Bytes payload);

 private:
  struct KeyHash {
    std::size_t operator()(const Key& key) const {
      return (key.offset * 0x9e3779b97f4a7c15U) ^ (key.pack << 32);
    }
  };

  struct Slot {
    ObjectType type;
    int depth;
    std::size_t begin;
    std::size_t size;
  };

  void drop_oldest();

  // Tiny payloads are not worth a slot each without end: slots are counted too.
  static constexpr std::size_t kBytesPerSlot = 256;

  Buffer ring_;
  std::size_t head_ = 0;  // where the next payload goes
  std::size_t used_ = 0;  // bytes from the oldest slot to the head, gaps included
  std::deque<std::pair<Key, std::size_t>> order_;  // oldest first, with the bytes it occupies
  std::unordered_map<Key, Slot, KeyHash> slots_;
};

}  // namespace bale
