// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What is behind a PackBuilder: its parts, and the state of one build. In a header because two
// files implement it: pack_builder.cc, and builder_stored.cc for entries that are taken over as
// they are.
//
// Not thread-safe.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "bale/pack_builder.h"
#include "bale/pack_reader.h"
#include "base/budget.h"
#include "base/error.h"
#include "base/lanes.h"
#include "format/entry.h"
#include "pack/build/block_pipeline.h"
#include "pack/build/builder_plan.h"
#include "pack/build/index_builder.h"
#include "pack/build/object_feeder.h"
#include "pack/build/pack_stream.h"
#include "pack/build/pack_target.h"

namespace bale {

class PackBuilder::Impl {
 public:
  Impl(const PackBuilderOptions& options, const BuilderPlan& plan, PackTarget target)
      : options_(options),
        plan_(plan),
        budget_(options.memory_bytes),
        target_(std::move(target)),
        lanes_(plan.pipeline.lanes) {}

  Result<void> start();

  // Runs one step of the caller's, unless an earlier one failed; keeps the first error.
  template <typename Step>
  auto guarded(Step step) -> decltype(step()) {
    if (first_error_) return *first_error_;
    auto result = step();
    if (!result) first_error_ = result.error();
    return result;
  }

  // The builder is used up: only this error is left to give.
  void use_up() { first_error_ = fail(ErrorCode::kInvalidArgument, "the builder has finished"); }

  Result<EntryHandle> add(const ObjectId& id, ObjectType type, Bytes payload,
                          const BaseHints& hints);
  Result<void> begin_object(IdKind kind, ObjectType type, std::uint64_t size);
  Result<void> write(Bytes piece);
  Result<EntryHandle> end_object(const ObjectId& id, const BaseHints& hints);
  Result<EntryHandle> add_delta(const ObjectId& id, const EntryHandle& base, std::uint64_t size,
                                Bytes program);
  Result<EntryHandle> add_stored(const StoredEntry& entry);
  Result<void> begin_stored(const StoredEntry& entry);
  Result<EntryHandle> end_stored();
  Result<std::uint64_t> flush();
  Result<PackSummary> finish();
  Result<PackInMemory> finish_in_memory();

 private:
  [[nodiscard]] EntryBlock::Treatment treatment(std::uint64_t size) const {
    const bool compress = options_.compress && size >= options_.min_compress_bytes && size > 0;
    return compress ? EntryBlock::Treatment::kTryToCompress : EntryBlock::Treatment::kAsItIs;
  }

  [[nodiscard]] EntryHints entry_hints(const BaseHints& hints) const;
  [[nodiscard]] std::function<Result<void>(std::uint64_t, std::uint64_t)> duplicates_to_log();
  Result<void> admit(std::uint64_t size);
  Result<EntryHeader> admit_stored(const StoredEntry& entry);
  Result<EntryHandle> record(const EntryHandle& handle);
  Result<EntryHandle> record_stored(const EntryHeader& header);
  Result<void> tell_entries();

  PackBuilderOptions options_;
  BuilderPlan plan_;
  Budget budget_;
  PackTarget target_;
  Lanes lanes_;
  std::optional<PackStream> stream_;
  std::optional<IndexBuilder> index_;
  std::unique_ptr<DeltaStage> deltas_;
  std::unique_ptr<BlockPipeline> pipeline_;  // ends first: it works on all of the above
  std::optional<ObjectFeeder> feeder_;
  bool feeds_stored_ = false;           // what is being fed is an entry as it is stored
  std::vector<std::uint64_t> offsets_;  // of entries to be told about
  std::uint64_t told_entries_ = 0;
  PackSummary summary_;
  std::optional<Error> first_error_;
};

}  // namespace bale
