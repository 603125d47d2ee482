// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/builder_plan.h"

#include <algorithm>

#include "base/error.h"
#include "base/lanes.h"
#include "codec/zstd.h"
#include "pack/object_feeder.h"

namespace bale {
namespace {

// Beyond any machine's processors.
constexpr std::size_t kMostLanes = 1024;

BlockPipelineOptions pipeline_options(const PackBuilderOptions& options, std::size_t lanes) {
  return {.lanes = lanes,
          .level = options.level,
          .compress = options.compress,
          .keep_offsets = static_cast<bool>(options.on_entry)};
}

std::uint64_t fixed_bytes(const PackBuilderOptions& options, std::size_t lanes) {
  return BlockPipeline::memory_bytes(pipeline_options(options, lanes)) + ObjectFeeder::kAsideBytes +
         kIndexWriteBufferBytes;
}

// As many as may work and as leave the sort a third of the memory.
std::size_t affordable_lanes(const PackBuilderOptions& options) {
  std::size_t lanes = options.lanes > 0 ? options.lanes : Lanes::available_processors();
  lanes = std::min(lanes, kMostLanes);
  while (lanes > 1 && fixed_bytes(options, lanes) > options.memory_bytes / 3 * 2) --lanes;
  return lanes;
}

}  // namespace

Result<BuilderPlan> plan_builder(const PackBuilderOptions& options) {
  if (options.level < kMinLevel || options.level > kMaxLevel) {
    return fail(ErrorCode::kInvalidArgument, "there is no compression level {} (use {} to {})",
                options.level, kMinLevel, kMaxLevel);
  }
  const std::uint64_t smallest = PackBuilder::smallest_memory_bytes(options);
  if (options.memory_bytes < smallest) {
    return fail(ErrorCode::kInvalidArgument,
                "building at level {} needs at least {} bytes of memory, and {} were allowed",
                options.level, smallest, options.memory_bytes);
  }
  const std::size_t lanes = affordable_lanes(options);
  return BuilderPlan{.pipeline = pipeline_options(options, lanes),
                     .sort_bytes = options.memory_bytes - fixed_bytes(options, lanes)};
}

std::uint64_t PackBuilder::smallest_memory_bytes(const PackBuilderOptions& options) {
  return fixed_bytes(options, 1) + kMinIndexBuilderBytes;
}

}  // namespace bale
