// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// How much of a check's memory goes into scanning the pack, and how many lanes that feeds.
// Stateless.

#pragma once

#include <cstdint>

#include "bale/pack_verifier.h"
#include "pack/check/pack_scanner.h"

namespace bale {

struct ScanPlan {
  std::size_t lane_count = 1;
  PackScannerOptions scan;         ///< without what it points to
  std::uint64_t memory_bytes = 0;  ///< of the scanner, and what its lanes decode with
};

/// For a scan that decodes payloads if options.decode says so. At most half of
/// options.memory_bytes, which must be smallest_verify_pack_memory_bytes() or more; the other half
/// is for sorting.
[[nodiscard]] ScanPlan plan_scan(const PackCheckOptions& options);

/// For a scan that makes an index: nothing is decoded.
[[nodiscard]] ScanPlan plan_index_scan(const PackCheckOptions& options);

}  // namespace bale
