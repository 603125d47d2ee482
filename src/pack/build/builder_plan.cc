// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/build/builder_plan.h"

#include <algorithm>
#include <bit>

#include "base/error.h"
#include "base/lanes.h"
#include "base/memory_size.h"
#include "codec/zstd.h"
#include "pack/build/object_feeder.h"

namespace bale {
namespace {

// Beyond any machine's processors.
constexpr std::size_t kMostLanes = 1024;

// The tables that find bases take this share, and so much at least and at most.
constexpr std::uint64_t kTableShare = 16;
constexpr std::uint64_t kLeastTableBytes = 256 << 10;
constexpr std::uint64_t kMostTableBytes = 64 << 20;

// What is left over is halved between sorting and recent objects, of which more than this are not
// looked at again.
constexpr std::uint64_t kMostRingBytes = 64 << 20;

BlockPipelineOptions pipeline_options(const PackBuilderOptions& options, std::size_t lanes) {
  return {.lanes = lanes,
          .level = options.level,
          .compress = options.compress,
          .deltas = options.deltas && options.compress,
          .keep_offsets = static_cast<bool>(options.on_entry)};
}

// What decides which bases are found depends on the memory alone, not on the lanes.
DeltaStageOptions delta_options(const PackBuilderOptions& options, std::size_t lanes) {
  const std::uint64_t memory = options.work.memory_bytes;
  return {
      .blocks = block_count(pipeline_options(options, lanes)),
      .most_object_bytes = memory >= kFullSearchMemoryBytes ? kFrameBytes : kMostSmallObjectBytes,
      .table_bytes =
          std::bit_floor(std::clamp(memory / kTableShare, kLeastTableBytes, kMostTableBytes)),
      .ring_bytes = (memory >= kFullSearchMemoryBytes ? 2 : 1) * EntryBlock::buffer_bytes(true)};
}

std::uint64_t fixed_bytes(const PackBuilderOptions& options, std::size_t lanes) {
  const std::uint64_t deltas =
      options.deltas ? DeltaStage::memory_bytes(delta_options(options, lanes)) : 0;
  return BlockPipeline::memory_bytes(pipeline_options(options, lanes)) + ObjectFeeder::kAsideBytes +
         kIndexWriteBufferBytes + deltas;
}

// As many as may work and as leave a third of the memory.
std::size_t affordable_lanes(const PackBuilderOptions& options) {
  std::size_t lanes = options.work.lanes > 0 ? options.work.lanes : Lanes::available_processors();
  lanes = std::min(lanes, kMostLanes);
  while (lanes > 1 && fixed_bytes(options, lanes) > options.work.memory_bytes / 3 * 2) --lanes;
  return lanes;
}

}  // namespace

Result<BuilderPlan> plan_builder(const PackBuilderOptions& options) {
  if (options.level < kMinLevel || options.level > kMaxLevel) {
    return fail(ErrorCode::kInvalidArgument, "there is no compression level {} (use {} to {})",
                options.level, kMinLevel, kMaxLevel);
  }
  const std::uint64_t smallest = smallest_build_memory_bytes(options);
  if (options.work.memory_bytes < smallest) {
    return fail(ErrorCode::kInvalidArgument, "building at level {} needs at least {} of memory",
                options.level, memory_size(smallest));
  }
  if (options.deltas && !options.compress) {
    return fail(ErrorCode::kInvalidArgument, "deltas are compressed: there are none without");
  }
  const std::size_t lanes = affordable_lanes(options);
  BuilderPlan plan{.pipeline = pipeline_options(options, lanes), .deltas = {}};
  plan.sort_bytes = options.work.memory_bytes - fixed_bytes(options, lanes);
  if (!options.deltas) return plan;
  plan.deltas = delta_options(options, lanes);
  const std::uint64_t spare = plan.sort_bytes - kMinIndexBuilderBytes;
  const std::uint64_t more = std::min(spare / 2, kMostRingBytes);
  plan.deltas->ring_bytes += more;
  plan.sort_bytes -= more;
  return plan;
}

std::uint64_t smallest_build_memory_bytes(const PackBuilderOptions& options) {
  // With more memory deltas take more of it, up to a point: until it fits.
  PackBuilderOptions least = options;
  least.work.memory_bytes = 0;
  for (;;) {
    const std::uint64_t needed = fixed_bytes(least, 1) + kMinIndexBuilderBytes;
    if (needed <= least.work.memory_bytes) return least.work.memory_bytes;
    least.work.memory_bytes = needed;
  }
}

}  // namespace bale
