// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/deltas/delta_trier.h"

#include <algorithm>
#include <utility>

#include "base/try.h"

namespace bale {
namespace {

// So small a program that another base is not worth the search: in bytes, and as a share.
constexpr std::size_t kGoodProgramBytes = 64;
constexpr std::size_t kGoodShare = 512;

// Where all that is allowed is used, a program counts as if it were so many times longer.
constexpr std::size_t kUsesFactor = 4;

std::size_t cost(std::size_t program_bytes, const BaseCandidate& candidate) {
  return program_bytes * (256 + candidate.uses * kUsesFactor);
}

}  // namespace

std::uint64_t DeltaTrier::memory_bytes(std::uint64_t most_object_bytes) {
  return DeltaEncoder::memory_bytes(most_object_bytes) + most_object_bytes + 2 * kMostDeltaBytes;
}

Result<DeltaTrier> DeltaTrier::create(Budget& budget, std::uint64_t most_object_bytes,
                                      const PayloadRing& ring, BaseReader& reader) {
  DeltaTrier trier(TRY(DeltaEncoder::create(budget, most_object_bytes)), ring, reader);
  constexpr std::string_view kWhat = "making deltas";
  trier.read_back_ = TRY(Buffer::allocate(budget, most_object_bytes, kWhat));
  for (Buffer& program : trier.programs_) {
    program = TRY(Buffer::allocate(budget, kMostDeltaBytes, kWhat));
  }
  return trier;
}

Result<DeltaTrier::Base> DeltaTrier::fetch(const BaseCandidate& candidate) {
  if (candidate.ring_at) {
    return Base{candidate.id, ring_->view(*candidate.ring_at, candidate.size)};
  }
  const BaseReader::Base base = TRY(reader_->read(candidate.entry, read_back_.span()));
  return Base{base.id, read_back_.span().first(base.size)};
}

Result<std::optional<DeltaTrier::Delta>> DeltaTrier::try_all(
    const ObjectId& id, Bytes payload, std::span<const BaseCandidate> candidates) {
  std::optional<Delta> best;
  std::size_t best_cost = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const BaseCandidate& candidate = candidates[i];
    const Base base = TRY(fetch(candidate));
    // What was read back may be under an id that this entry has too, or that cannot be a base.
    if (base.payload.empty() || base.id == id || base.id.kind() != IdKind::kContentHash) continue;
    std::size_t limit = std::min(payload.size() / 2, programs_[0].size());
    if (best) limit = std::min(limit, best_cost / cost(1, candidate));
    if (!candidate.ring_at || candidate.ring_at != indexed_) encoder_.index(base.payload);
    indexed_ = candidate.ring_at;
    const MutableBytes room = programs_[spare_].span().first(limit);
    const std::optional<std::size_t> size = encoder_.encode(payload, room);
    if (!size) continue;
    const std::size_t this_cost = cost(*size, candidate);
    if (best && this_cost >= best_cost) continue;
    best = Delta{.candidate = i, .base_id = base.id, .program = room.first(*size)};
    best_cost = this_cost;
    spare_ = 1 - spare_;
    if (*size <= std::max(kGoodProgramBytes, payload.size() / kGoodShare)) break;
  }
  return best;
}

}  // namespace bale
