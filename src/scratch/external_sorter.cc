// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// An external merge sort.
//
// The scratch file is a sequence of runs, each a sequence of records, without gaps. It has no name,
// so it disappears with the process.

#include "scratch/external_sorter.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "scratch/radix_sort.h"
#include "scratch/record_window.h"

namespace bale {
namespace {

// The size of merged blocks: enough work for a lane.
constexpr std::size_t kMaxMergedBlockBytes = 256 << 10;

}  // namespace

template <std::size_t kBytes>
Result<ExternalSorter<kBytes>> ExternalSorter<kBytes>::create(Budget& budget,
                                                              SorterOptions options) {
  CHECK(options.memory_bytes >= kMinSorterBytes);
  if (options.file_system == nullptr) options.file_system = &posix_file_system();
  ExternalSorter sorter;
  sorter.budget_ = &budget;
  sorter.buffer_ = TRY(Buffer::allocate(budget, options.memory_bytes, "the sort buffer"));
  sorter.options_ = std::move(options);
  sorter.bounds_ = std::make_unique<Bounds>();
  const std::span<Record> all = sorter.records();
  const std::size_t first = sorter.in_background() ? all.size() / 2 : all.size();
  sorter.parts_ = {all.first(first), all.subspan(first)};
  // Data that fits into the buffer is not spilled, so both parts are filled first.
  sorter.fill_from_here_on(all);
  return sorter;
}

// A memberwise move would free a buffer that a lane still reads.
template <std::size_t kBytes>
ExternalSorter<kBytes>& ExternalSorter<kBytes>::operator=(ExternalSorter&& other) noexcept {
  if (this != &other) {
    std::destroy_at(this);
    std::construct_at(this, std::move(other));
  }
  return *this;
}

template <std::size_t kBytes>
Result<void> ExternalSorter<kBytes>::check_cancelled() const {
  if (options_.operation != nullptr && options_.operation->cancelled()) {
    return fail(ErrorCode::kInterrupted, "interrupted while sorting");
  }
  return {};
}

template <std::size_t kBytes>
Result<void> ExternalSorter<kBytes>::remember(Result<void> result) {
  if (!result) {
    error_ = result.error();
    position_ = end_ = nullptr;  // so every later call reaches this
  }
  return result;
}

template <std::size_t kBytes>
void ExternalSorter<kBytes>::fill_from_here_on(std::span<Record> part) {
  position_ = part.data();
  end_ = part.data() + part.size();
}

template <std::size_t kBytes>
Result<void> ExternalSorter<kBytes>::make_room() {
  if (error_) return *error_;
  return remember(spill_what_is_full());
}

template <std::size_t kBytes>
Result<void> ExternalSorter<kBytes>::spill_what_is_full() {
  if (options_.scratch_directory.empty()) {
    return fail(ErrorCode::kLimitExceeded,
                "{} records fill the {} that may be used for sorting in memory (allow more memory, "
                "or name a directory for scratch)",
                records().size(), format_bytes(buffer_.size()));
  }
  TRY(check_cancelled());
  if (scratch_ == nullptr) {
    scratch_ = TRY(options_.file_system->create_unnamed(options_.scratch_directory));
  }
  if (!in_background()) {
    TRY(spilling(parts_[0])());
    fill_from_here_on(parts_[0]);
    return {};
  }
  if (runs_.empty()) {
    spill_.post(*options_.lanes, spilling(parts_[0]));
    part_ = 1;
  }
  TRY(spill_.wait());
  spill_.post(*options_.lanes, spilling(parts_[part_]));
  part_ = 1 - part_;
  fill_from_here_on(parts_[part_]);
  return {};
}

// Makes a part of the buffer the next run. A lane does the work, so it refers to nothing that moves
// with the sorter.
template <std::size_t kBytes>
std::function<Result<void>()> ExternalSorter<kBytes>::spilling(std::span<Record> part) {
  const std::uint64_t offset = scratch_end_;
  runs_.push_back({.offset = offset, .record_count = part.size()});
  scratch_end_ += part.size_bytes();
  scratch_bytes_ += part.size_bytes();
  return [part, offset, file = scratch_.get(), bounds = bounds_.get()]() -> Result<void> {
    radix_sort<kBytes>(part);
    if (bounds->empty || part.front() < bounds->lowest) bounds->lowest = part.front();
    if (bounds->empty || bounds->highest < part.back()) bounds->highest = part.back();
    bounds->empty = false;
    return file->write_at(offset, std::as_bytes(part));
  };
}

template <std::size_t kBytes>
Result<void> ExternalSorter<kBytes>::sort(std::uint64_t merge_memory_bytes) {
  if (error_) return *error_;
  if (runs_.empty()) {
    const std::span<Record> all(records().data(), position_);
    radix_sort<kBytes>(all);
    fill_from_here_on(all);
    return {};
  }
  return remember(start_reading(merge_memory_bytes));
}

template <std::size_t kBytes>
Result<void> ExternalSorter<kBytes>::start_reading(std::uint64_t merge_memory_bytes) {
  TRY(spill_.wait());
  TRY(check_cancelled());
  const std::span<Record> last(parts_[part_].data(), position_);
  if (!last.empty()) TRY(spilling(last)());
  position_ = end_ = nullptr;
  if (merge_memory_bytes > buffer_.size()) {
    buffer_ = Buffer();
    buffer_ = TRY(Buffer::allocate(*budget_, merge_memory_bytes, "the merge buffer"));
  }
  return start_merge();
}

template <std::size_t kBytes>
MergeSource ExternalSorter<kBytes>::merge_source() const {
  return {.file = scratch_.get(),
          .operation = options_.operation,
          .scratch_directory = options_.scratch_directory,
          .shared_bytes = common_prefix_bytes(bounds_->lowest, bounds_->highest)};
}

template <std::size_t kBytes>
Result<void> ExternalSorter<kBytes>::start_merge() {
  const std::size_t block_records = std::min(buffer_.size() / 16, kMaxMergedBlockBytes) / kBytes;
  std::span<Record> memory = records();
  std::array<std::span<Record>, 2> blocks = {memory.first(block_records), {}};
  memory = memory.subspan(block_records);
  if (in_background()) {
    blocks[1] = memory.first(block_records);
    memory = memory.subspan(block_records);
  }
  while (runs_.size() > memory.size_bytes() / kMinMergeBlockBytes) TRY(merge_groups());
  merge_ = std::make_unique<Merge>(Merge{
      .merger = TRY(RunMerger<kBytes>::create(merge_source(), runs_, memory)), .blocks = blocks});
  if (in_background()) post_fill();
  return {};
}

// One pass over all runs: groups of them become one longer run each, in a new scratch file. A
// quarter of the buffer collects the output.
template <std::size_t kBytes>
Result<void> ExternalSorter<kBytes>::merge_groups() {
  const std::span<Record> out = records().first(records().size() / 4);
  const std::span<Record> memory = records().subspan(out.size());
  const std::size_t fan_in = memory.size_bytes() / kMinMergeBlockBytes;
  std::unique_ptr<File> target =
      TRY(options_.file_system->create_unnamed(options_.scratch_directory));
  std::uint64_t target_end = 0;
  std::vector<ScratchRun> merged;
  for (std::size_t begin = 0; begin < runs_.size(); begin += fan_in) {
    const auto group = std::span(runs_).subspan(begin, std::min(fan_in, runs_.size() - begin));
    ScratchRun longer{.offset = target_end};
    auto merger = TRY(RunMerger<kBytes>::create(merge_source(), group, memory));
    while (const std::size_t count = TRY(merger.fill(out))) {
      const Bytes bytes = std::as_bytes(out.first(count));
      TRY(target->write_at(target_end, bytes));
      target_end += bytes.size();
      scratch_bytes_ += bytes.size();
      longer.record_count += count;
    }
    merged.push_back(longer);
  }
  scratch_ = std::move(target);
  runs_ = std::move(merged);
  return {};
}

template <std::size_t kBytes>
void ExternalSorter<kBytes>::post_fill() {
  merge_->task.post(*options_.lanes, [merge = merge_.get()]() -> Result<void> {
    merge->filled = TRY(merge->merger.fill(merge->blocks[merge->filling]));
    return {};
  });
}

template <std::size_t kBytes>
Result<void> ExternalSorter<kBytes>::take_block() {
  if (error_) return *error_;
  if (merge_ == nullptr || merge_->ended) return {};
  if (in_background()) {
    TRY(remember(merge_->task.wait()));
  } else {
    Result<std::size_t> filled = merge_->merger.fill(merge_->blocks[0]);
    if (!filled) return remember(filled.error());
    merge_->filled = *filled;
  }
  const std::span<Record> block = merge_->blocks[merge_->filling];
  fill_from_here_on(block.first(merge_->filled));
  merge_->ended = merge_->filled < block.size();
  if (in_background() && !merge_->ended) {
    merge_->filling = 1 - merge_->filling;
    post_fill();
  }
  return {};
}

template class ExternalSorter<16>;  // pack and offset: reachable sets
template class ExternalSorter<28>;  // SHA-1 and offset; a change id, pack and offset
template class ExternalSorter<32>;  // SHA-1, pack and offset: a catalog
template class ExternalSorter<40>;  // SHA-256 and offset; a base's hash and a delta's offset
template class ExternalSorter<41>;  // an index record
template class ExternalSorter<44>;  // SHA-256 or a content hash, pack and offset
template class ExternalSorter<64>;  // a name, two numbers and a Git id: an import's order

}  // namespace bale
