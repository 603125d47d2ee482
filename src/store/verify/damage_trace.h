// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What lost objects take away: from which archives, records and refs, and under which paths.
//
// Exactly: each ref is told of whose objects are not all there, and no other (damage_masks.h finds
// what each one reaches). Paths are found by walking down from each ref through nothing but objects
// that reach something lost, through each tree once.
//
// Memory: the options' and their context's, the report's, and 40 bytes for each of up to 1,000
// paths of 61 objects. Time: a walk over everything for each 61 lost objects that are traced.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bale/progress.h"
#include "bale/store.h"
#include "bale/store_verifier.h"
#include "base/budget.h"
#include "store/core/pack_set.h"
#include "store/verify/verify_records.h"

namespace bale {

struct DamageTraceOptions {
  std::uint64_t memory_bytes = 0;
  std::string scratch_directory;
  bool follow = true;  ///< links; otherwise refs that lead straight to the lost
  /// Whether an object is lost; asked only where more are than are traced.
  std::function<bool(const GitOid& oid)> is_lost;
  ReadContext* context = nullptr;        ///< for lists in records; required
  Budget* missing_budget = nullptr;      ///< for ids that records declare missing; required
  const Operation* operation = nullptr;  ///< required
};

/// Of so many lost objects, the first, each is traced by itself; the others together.
inline constexpr std::size_t kMostTracedObjects = 4 * 61;

/// Fills in the touches and paths of lost objects, and their types where those become known; and
/// what the others touch.
Result<void> trace_damage(const Snapshot& store, const PackSet& packs, VerifyRecords& records,
                          const DamageTraceOptions& options, StoreReport& report);

}  // namespace bale
