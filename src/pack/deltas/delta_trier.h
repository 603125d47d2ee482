// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// DeltaTrier: makes a delta of an object against each of several bases and keeps the best.
//
// The best is the one with the smallest program, where a base that is closer to a whole object may
// cost a little more: what comes later can lean on it.
//
// Memory, charged: memory_bytes(). Not thread-safe.

#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "bale/object.h"
#include "bale/result.h"
#include "base/budget.h"
#include "codec/delta_encoder.h"
#include "pack/deltas/base_chooser.h"
#include "pack/deltas/base_reader.h"
#include "pack/deltas/payload_ring.h"

namespace bale {

class DeltaTrier {
 public:
  [[nodiscard]] static std::uint64_t memory_bytes(std::uint64_t most_object_bytes);

  /// Ring and reader must outlive the trier.
  [[nodiscard]] static Result<DeltaTrier> create(Budget& budget, std::uint64_t most_object_bytes,
                                                 const PayloadRing& ring, BaseReader& reader);

  struct Delta {
    std::size_t candidate = 0;
    ObjectId base_id;
    Bytes program;  ///< valid until the next call
  };

  /// Nothing where no program takes less than half of the payload. Candidates without a place in
  /// the ring are read back.
  Result<std::optional<Delta>> try_all(const ObjectId& id, Bytes payload,
                                       std::span<const BaseCandidate> candidates);

 private:
  struct Base {
    ObjectId id;
    Bytes payload;
  };

  DeltaTrier(DeltaEncoder encoder, const PayloadRing& ring, BaseReader& reader)
      : encoder_(std::move(encoder)), ring_(&ring), reader_(&reader) {}

  Result<Base> fetch(const BaseCandidate& candidate);

  DeltaEncoder encoder_;
  const PayloadRing* ring_;
  BaseReader* reader_;
  Buffer read_back_;
  Buffer programs_[2];
  std::size_t spare_ = 0;                 // the one that does not hold the best
  std::optional<std::uint64_t> indexed_;  // the place in the ring of what the encoder has indexed
};

}  // namespace bale
