// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// DeltaEncoder: finds a short delta program (delta.h has its grammar) for an object and a base.
//
//   DeltaEncoder encoder = TRY(DeltaEncoder::create(budget, longest_base));
//   encoder.index(base);
//   if (std::optional<size_t> size = encoder.encode(target, room)) use(room.first(*size));
//
// One base may be indexed once and used for any number of targets. Deterministic: the program
// depends on base, target and room.size() alone. Not thread-safe; may move between threads.

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
  /// No index is made for bases longer than this.
  static constexpr std::size_t kMaxBaseBytes = std::size_t{1} << 27;

  /// What an encoder for bases of up to max_base_bytes charges to the budget: between 7/16 and 5/8
  /// of that, and at least 96 bytes. Touched only as far as the bases need it.
  [[nodiscard]] static std::uint64_t memory_bytes(std::size_t max_base_bytes);

  /// kInvalidArgument above kMaxBaseBytes, kLimitExceeded if the memory does not fit. The budget
  /// must outlive the encoder.
  [[nodiscard]] static Result<DeltaEncoder> create(Budget& budget, std::size_t max_base_bytes);

  /// No program for a target of this size is longer.
  [[nodiscard]] static constexpr std::size_t bound(std::size_t target_bytes) {
    return target_bytes + (target_bytes + 127) / 128 + 1;
  }

  /// Prepares encode(). `base` must stay where it is until the last encode() against it. Of a base
  /// longer than max_base_bytes only that much is used. Takes time in proportion to the base.
  void index(Bytes base);

  /// Writes a program that rebuilds `target` from the base and returns its length, or nothing if
  /// none was found that fits into `out`; what `out` holds is then undefined. A smaller `out` makes
  /// hopeless pairs end sooner. The program never looks like zstd (format trap 2) and never has a
  /// copy that a reader refuses. Takes time in proportion to the target, whatever the bytes are.
  [[nodiscard]] std::optional<std::size_t> encode(Bytes target, MutableBytes out) const;

 private:
  // How far encode() has come.
  struct Scan {
    Bytes target;
    std::size_t at = 0;        // what is looked up now
    std::size_t done = 0;      // the program makes the target up to here
    std::ptrdiff_t drift = 0;  // base position less target position of the last match
  };

  // Where base and target hold the same bytes.
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
  // below, so that most false friends are known without a look at the base; 0 is none.
  std::uint32_t* heads_;   // by the hash's top bits: the first item of a chain
  std::uint32_t* next_;    // by block number: the item after it in its chain
  std::uint64_t* filter_;  // a bit set: 16 bits a head, by the hash's top bits
  unsigned head_bits_ = 0;
  Bytes base_;
};

}  // namespace bale
