// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// DeltaEncoder: finds a short delta program (delta.h has its grammar) for an object and a base.
//
//   DeltaEncoder encoder = TRY(DeltaEncoder::create(budget, longest_base));
//   encoder.index(base);
//   if (std::optional<size_t> size = encoder.encode(target, room)) use(room.first(*size));
//
// A base is indexed once for any number of targets. Deterministic: the program depends only on
// base, target and room.size(). Not thread-safe; may move between threads.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "bale/bytes.h"
#include "bale/result.h"
#include "base/budget.h"

namespace bale {

class DeltaEncoder {
 public:
  /// The largest base.
  static constexpr std::size_t kMaxBaseBytes = std::size_t{1} << 27;

  /// The charge of an encoder for bases of up to max_base_bytes: 7/16 to 5/8 of that, and at least
  /// 96 bytes. Pages are touched only as needed.
  [[nodiscard]] static std::uint64_t memory_bytes(std::size_t max_base_bytes);

  /// kInvalidArgument above kMaxBaseBytes, kLimitExceeded if the memory does not fit. The budget
  /// must outlive the encoder.
  [[nodiscard]] static Result<DeltaEncoder> create(Budget& budget, std::size_t max_base_bytes);

  /// No program for a target of this size is longer.
  [[nodiscard]] static constexpr std::size_t bound(std::size_t target_bytes) {
    return target_bytes + (target_bytes + 127) / 128 + 1;
  }

  /// Prepares encode(). `base` must stay valid until the last encode() against it. Only its first
  /// max_base_bytes are used. Takes time in proportion to the base.
  void index(Bytes base);

  /// Writes a program that rebuilds `target` from the base and returns its length, or nullopt, with
  /// `out` undefined, if none was found that fits. With a smaller `out`, hopeless pairs end sooner.
  /// The program never starts like zstd (format trap 2) and has no copy that a reader refuses.
  /// Takes time in proportion to the target, whatever the bytes.
  [[nodiscard]] std::optional<std::size_t> encode(Bytes target, MutableBytes out) const;

 private:
  // The state of encode().
  struct Scan {
    Bytes target;
    std::size_t at = 0;        // the position looked up now
    std::size_t done = 0;      // the program covers the target up to here
    std::ptrdiff_t drift = 0;  // base position less target position of the last match
  };

  // A common run of base and target.
  struct Match {
    std::size_t base_at = 0;
    std::size_t target_at = 0;
    std::size_t size = 0;
  };

  DeltaEncoder(Buffer memory, std::size_t max_base_bytes);

  [[nodiscard]] bool may_have(std::uint64_t hash) const;
  [[nodiscard]] Match find_match(const Scan& scan, std::uint64_t hash) const;
  [[nodiscard]] Match extend(const Scan& scan, std::size_t base_at) const;

  Buffer memory_;
  std::size_t max_base_bytes_;
  // In memory_. An item is a block's number plus one in the upper 24 bits and 8 bits of its hash
  // below, which rule out most false matches without reading the base. 0: no item.
  std::uint32_t* heads_;   // by the hash's top bits: the first item of a chain
  std::uint32_t* next_;    // by block number: the item after it in its chain
  std::uint64_t* filter_;  // a bit set: 16 bits a head, by the hash's top bits
  unsigned head_bits_ = 0;
  Bytes base_;
};

}  // namespace bale
