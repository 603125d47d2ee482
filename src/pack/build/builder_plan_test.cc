// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/build/builder_plan.h"

#include "base/memory_size.h"
#include "pack/build/object_feeder.h"
#include "testing/matchers.h"

namespace bale {
namespace {

PackBuilderOptions options_for(int level, std::uint64_t memory_bytes, std::size_t lanes) {
  PackBuilderOptions options;
  options.level = level;
  options.work.memory_bytes = memory_bytes;
  options.work.lanes = lanes;
  return options;
}

TEST(BuilderPlanTest, ThePartsAreTheWhole) {
  for (const int level : {1, 3, 9, 19}) {
    for (const std::uint64_t mib : {24u, 64u, 200u}) {
      for (const std::size_t lanes : {1u, 2u, 7u}) {
        const PackBuilderOptions options = options_for(level, mib << 20, lanes);
        ASSERT_OK_AND_ASSIGN(plan, plan_builder(options));
        EXPECT_EQ(BlockPipeline::memory_bytes(plan.pipeline) + plan.sort_bytes +
                      ObjectFeeder::kAsideBytes + kIndexWriteBufferBytes,
                  options.work.memory_bytes);
        EXPECT_LE(plan.pipeline.lanes, lanes);
        EXPECT_GE(plan.sort_bytes, kMinIndexBuilderBytes);
      }
    }
  }
}

TEST(BuilderPlanTest, ThePartsAreTheWholeWithDeltasToo) {
  for (const std::uint64_t mib : {12u, 24u, 36u, 64u, 2000u}) {
    for (const std::size_t lanes : {1u, 2u, 7u}) {
      PackBuilderOptions options = options_for(3, mib << 20, lanes);
      options.deltas = true;
      ASSERT_OK_AND_ASSIGN(plan, plan_builder(options));
      ASSERT_TRUE(plan.deltas);
      EXPECT_EQ(BlockPipeline::memory_bytes(plan.pipeline) +
                    DeltaStage::memory_bytes(*plan.deltas) + plan.sort_bytes +
                    ObjectFeeder::kAsideBytes + kIndexWriteBufferBytes,
                options.work.memory_bytes);
      EXPECT_GE(plan.sort_bytes, kMinIndexBuilderBytes);
      // What decides which deltas are made is the same for any lanes.
      options.work.lanes = 1;
      ASSERT_OK_AND_ASSIGN(one, plan_builder(options));
      EXPECT_EQ(plan.deltas->most_object_bytes, one.deltas->most_object_bytes);
      EXPECT_EQ(plan.deltas->table_bytes, one.deltas->table_bytes);
    }
  }
}

TEST(BuilderPlanTest, MemoryLimitsLanes) {
  const auto lanes = [](const PackBuilderOptions& options) {
    const auto plan = plan_builder(options);
    EXPECT_THAT(plan, IsOk());
    return plan ? plan->pipeline.lanes : 0;
  };
  EXPECT_EQ(lanes(options_for(3, 16 << 20, 2)), 2u);
  EXPECT_LT(lanes(options_for(3, 16 << 20, 8)), 8u);
  EXPECT_EQ(lanes(options_for(3, 64 << 20, 8)), 8u);
  EXPECT_EQ(lanes(options_for(9, 16 << 20, 2)), 1u);
  EXPECT_EQ(lanes(options_for(3, 8 << 20, 2)), 1u);
  EXPECT_GE(lanes(options_for(3, 16 << 20, 0)), 1u);
  EXPECT_GE(lanes(options_for(3, std::uint64_t{1} << 40, SIZE_MAX)), 64u);
}

TEST(BuilderPlanTest, ALevelThatDoesNotFitIsRefusedWithWhatWouldDo) {
  PackBuilderOptions options = options_for(19, 16 << 20, 1);
  const std::uint64_t smallest = smallest_build_memory_bytes(options);
  EXPECT_THAT(plan_builder(options), FailsWith(ErrorCode::kInvalidArgument, memory_size(smallest)));
  options.work.memory_bytes = smallest;
  EXPECT_THAT(plan_builder(options), IsOk());
}

}  // namespace
}  // namespace bale
