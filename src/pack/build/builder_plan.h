// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// How a builder divides its memory: how many lanes it can afford, and what is left for sorting and
// for recent objects.

#pragma once

#include <cstdint>
#include <optional>

#include "bale/pack_builder.h"
#include "bale/result.h"
#include "pack/build/block_pipeline.h"
#include "pack/build/delta_stage.h"

namespace bale {

/// From so much memory on, objects of up to a frame take part in the search for bases; with less,
/// objects of up to kMostSmallObjectBytes.
inline constexpr std::uint64_t kFullSearchMemoryBytes = 24 << 20;
inline constexpr std::uint64_t kMostSmallObjectBytes = 256 << 10;

struct BuilderPlan {
  BlockPipelineOptions pipeline;
  std::optional<DeltaStageOptions> deltas;
  std::uint64_t sort_bytes = 0;  ///< for the IndexBuilder
};

/// kInvalidArgument where the options make no sense or cannot fit, with the memory that would do.
Result<BuilderPlan> plan_builder(const PackBuilderOptions& options);

}  // namespace bale
