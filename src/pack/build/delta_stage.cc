// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/build/delta_stage.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/try.h"
#include "codec/zstd.h"
#include "format/entry.h"

namespace bale {
namespace {

BaseChooser::Options chooser_options(const DeltaStageOptions& options) {
  return {.table_bytes = options.table_bytes,
          .least_recent = options.blocks * BlockSearch::kMostEntries,
          .most_object_bytes = options.most_object_bytes};
}

}  // namespace

std::uint64_t DeltaStage::memory_bytes(const DeltaStageOptions& options) {
  return options.blocks * sizeof(BlockSearch) + EntryLog::kBufferBytes +
         DeltaTrier::memory_bytes(options.most_object_bytes) +
         BaseChooser::memory_bytes(chooser_options(options)) +
         BaseReader::memory_bytes(options.most_object_bytes) + options.ring_bytes;
}

Result<std::unique_ptr<DeltaStage>> DeltaStage::create(const DeltaStageOptions& options,
                                                       Budget& budget, File& pack,
                                                       std::uint64_t position,
                                                       FileSystem& file_system,
                                                       const std::string& scratch_directory) {
  std::unique_ptr<EntryLog> log = TRY(EntryLog::create(budget, file_system, scratch_directory));
  BaseChooser chooser = TRY(BaseChooser::create(budget, chooser_options(options), *log));
  PayloadRing ring = TRY(PayloadRing::create(budget, options.ring_bytes));
  std::unique_ptr<DeltaStage> stage(
      new DeltaStage(options, std::move(log), std::move(chooser), std::move(ring)));
  stage->reader_ =
      TRY(BaseReader::create(budget, options.most_object_bytes, pack, position, *stage->log_));
  stage->trier_ =
      TRY(DeltaTrier::create(budget, options.most_object_bytes, *stage->ring_, *stage->reader_));
  stage->searches_charge_ =
      TRY(budget.charge(options.blocks * sizeof(BlockSearch), "the search for bases"));
  stage->searches_ = std::vector<BlockSearch>(options.blocks);
  return stage;
}

void DeltaStage::sketch(const EntryBlock& block) const {
  for (std::size_t i = 0; i < block.entry_count(); ++i) {
    const EntryBlock::Payload entry = block.payload(i);
    const bool matters =
        entry.bytes.size() <= options_.most_object_bytes && entry.id.kind() == IdKind::kContentHash;
    block.search()->entries[i].sketch = matters ? make_sketch(entry.bytes) : Sketch();
  }
}

Result<void> DeltaStage::find(EntryBlock& block,
                              const std::function<Result<void>(std::uint64_t)>& wait_committed) {
  if (block.is_piece()) {
    if (block.piece_end()) chooser_->skip();
    payload_bytes_ += block.stored_bytes();
    return {};
  }
  const std::uint64_t block_at = ring_->append(block.bytes());
  for (std::size_t i = 0; i < block.entry_count(); ++i) {
    const EntryBlock::Payload payload = block.payload(i);
    const BaseChooser::Newcomer entry{.id = payload.id,
                                      .type = payload.type,
                                      .size = payload.bytes.size(),
                                      .ring_at = block_at + payload.at,
                                      .bytes_before = payload_bytes_};
    EntrySearch& search = block.search()->entries[i];
    const std::span<BaseCandidate> candidates = TRY(chooser_->candidates(entry, search));
    for (BaseCandidate& candidate : candidates) {
      if (candidate.ring_at && ring_->holds(*candidate.ring_at)) continue;
      candidate.ring_at.reset();
      TRY(wait_committed(candidate.entry + 1));
    }
    const auto delta = TRY(trier_->try_all(entry.id, payload.bytes, candidates));
    const auto program = delta ? block.keep_program(delta->program) : std::nullopt;
    chooser_->remember(entry, search, program ? &candidates[delta->candidate] : nullptr);
    payload_bytes_ += payload.bytes.size();
    search.stored_as_delta = false;
    search.found.reset();
    if (!program) continue;
    search.found = FoundDelta{
        .base = candidates[delta->candidate].entry, .base_id = delta->base_id, .program = *program};
  }
  return {};
}

void DeltaStage::finish() {
  trier_.reset();
  reader_.reset();
  chooser_.reset();
  ring_.reset();
  searches_.clear();
  searches_charge_.release();
}

Result<void> DeltaStage::commit(const EntryBlock& block, std::uint64_t offset) {
  for (std::size_t i = 0; i < block.entry_count(); ++i) {
    const EntrySearch& search = block.search()->entries[i];
    const EntryHeader header = TRY(decode_entry_header(block.entry(i)));
    TRY(log_->append(
        {.offset = offset + block.entry_start(i),
         .base = search.stored_as_delta ? std::optional(search.found->base) : std::nullopt,
         .size = header.size,
         .rebuild_bytes = search.rebuild_bytes,
         .depth = search.depth,
         .type = search.type}));
  }
  return {};
}

Result<void> DeltaStage::commit_large(std::uint64_t offset, std::uint64_t size) {
  return log_->append({.offset = offset, .base = {}, .size = size, .rebuild_bytes = size});
}

}  // namespace bale
