// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/check/scan_plan.h"

#include <algorithm>

#include "base/check.h"
#include "base/lanes.h"
#include "pack/check/payload_checker.h"

namespace bale {
namespace {

// A block is what a lane gets at once. Smaller ones where memory is short: a few lanes gain more
// than large reads do.
constexpr std::size_t kBlockBytes = 1 << 20;
constexpr std::size_t kSmallBlockBytes = 256 << 10;
constexpr std::uint64_t kPlentyBytes = 32 << 20;

// What a lane should have for rebuilding deltas.
constexpr std::uint64_t kLaneBytes = 4 << 20;

ScanPlan plan(const PackCheckOptions& options, bool decodes) {
  CHECK(options.work.memory_bytes >= smallest_verify_pack_memory_bytes());
  ScanPlan plan;
  plan.scan.block_bytes =
      options.work.memory_bytes >= kPlentyBytes ? kBlockBytes : kSmallBlockBytes;
  if (decodes) plan.scan.longest_kept_bytes = PayloadChecker::kLongestEntryBytes;
  plan.scan.block_count = 1;
  const std::uint64_t slot_bytes =
      PackScanner::memory_bytes(plan.scan) + (decodes ? PayloadChecker::slot_bytes() : 0);
  const std::uint64_t most_slots = options.work.memory_bytes / 2 / slot_bytes;
  const std::uint64_t most_lanes =
      std::max<std::uint64_t>(1, std::min(most_slots - 1, options.work.memory_bytes / kLaneBytes));
  const std::size_t wanted =
      options.work.lanes == 0 ? Lanes::available_processors() : options.work.lanes;
  plan.lane_count = std::min<std::uint64_t>(wanted, most_lanes);
  if (plan.lane_count > 1) {
    const std::uint64_t best_slots = 2 * plan.lane_count + 1;
    plan.scan.block_count = std::min(best_slots, most_slots);
  }
  plan.memory_bytes = plan.scan.block_count * slot_bytes;
  return plan;
}

}  // namespace

ScanPlan plan_scan(const PackCheckOptions& options) {
  return plan(options, options.decode);
}

ScanPlan plan_index_scan(const PackCheckOptions& options) {
  return plan(options, /*decodes=*/false);
}

}  // namespace bale
