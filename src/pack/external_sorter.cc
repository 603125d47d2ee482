// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// An external merge sort. See the header for what it promises.
//
// The scratch file is a row of runs; a run is a row of records, nothing between them. It never has
// a name, so whatever happens to the process leaves nothing behind.

#include "pack/external_sorter.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/try.h"
#include "pack/radix_sort.h"

namespace bale {
namespace {

// A run is read back in blocks of at least this many bytes: smaller ones would cost a read of the
// disk each for too little.
constexpr std::size_t kMinBlockBytes = 16 << 10;

}  // namespace

template <std::size_t kBytes>
Result<ExternalSorter<kBytes>> ExternalSorter<kBytes>::create(Budget& budget,
                                                              SorterOptions options) {
  CHECK(options.memory_bytes >= kMinSorterBytes);
  if (options.file_system == nullptr) options.file_system = &posix_file_system();
  ExternalSorter sorter;
  sorter.buffer_ = TRY(Buffer::allocate(budget, options.memory_bytes, "the sort buffer"));
  sorter.capacity_ = sorter.buffer_.size() / kBytes;
  sorter.options_ = std::move(options);
  return sorter;
}

template <std::size_t kBytes>
Result<void> ExternalSorter<kBytes>::check_cancelled() const {
  if (options_.operation != nullptr && options_.operation->cancelled()) {
    return fail(ErrorCode::kInterrupted, "interrupted while sorting");
  }
  return {};
}

template <std::size_t kBytes>
Result<void> ExternalSorter<kBytes>::add(const Record& record) {
  if (filled_ == capacity_) TRY(spill());
  records()[filled_++] = record;
  ++record_count_;
  return {};
}

template <std::size_t kBytes>
Result<void> ExternalSorter<kBytes>::spill() {
  if (options_.scratch_directory.empty()) {
    return fail(ErrorCode::kLimitExceeded,
                "{} records fill the {} that may be used for sorting in memory (allow more memory, "
                "or name a directory for scratch)",
                filled_, format_bytes(buffer_.size()));
  }
  TRY(check_cancelled());
  if (scratch_ == nullptr) {
    scratch_ = TRY(options_.file_system->create_unnamed(options_.scratch_directory));
  }
  const auto run = records().first(filled_);
  radix_sort<kBytes>(run);
  TRY(scratch_->write_at(scratch_end_, std::as_bytes(run)));
  runs_.push_back({.offset = scratch_end_, .remaining = filled_});
  scratch_end_ += run.size_bytes();
  scratch_bytes_ += run.size_bytes();
  filled_ = 0;
  return {};
}

template <std::size_t kBytes>
Result<void> ExternalSorter<kBytes>::sort() {
  if (runs_.empty()) {
    radix_sort<kBytes>(records().first(filled_));
    return {};
  }
  if (filled_ > 0) TRY(spill());
  const std::size_t fan_in = std::max<std::size_t>(2, buffer_.size() / kMinBlockBytes);
  while (runs_.size() > fan_in) TRY(merge_groups());
  return start_merge(runs_, records());
}

// One pass over all runs: groups of them become one longer run each, in a new scratch file. Half of
// the buffer collects what is to be written.
template <std::size_t kBytes>
Result<void> ExternalSorter<kBytes>::merge_groups() {
  const std::size_t out_records = capacity_ / 2;
  const auto out = records().first(out_records);
  const auto in = records().subspan(out_records);
  const std::size_t fan_in = std::max<std::size_t>(2, in.size_bytes() / kMinBlockBytes);
  std::unique_ptr<File> target =
      TRY(options_.file_system->create_unnamed(options_.scratch_directory));
  std::uint64_t target_end = 0;
  std::vector<Run> merged;
  for (std::size_t begin = 0; begin < runs_.size(); begin += fan_in) {
    const auto group = std::span(runs_).subspan(begin, std::min(fan_in, runs_.size() - begin));
    Run longer{.offset = target_end};
    TRY(start_merge(group, in));
    std::size_t collected = 0;
    const auto write_out = [&]() -> Result<void> {
      TRY(check_cancelled());
      const Bytes bytes = std::as_bytes(out.first(collected));
      TRY(target->write_at(target_end, bytes));
      target_end += bytes.size();
      scratch_bytes_ += bytes.size();
      longer.remaining += collected;
      collected = 0;
      return {};
    };
    while (const Record* record = TRY(next_merged())) {
      out[collected++] = *record;
      if (collected == out.size()) TRY(write_out());
    }
    TRY(write_out());
    merged.push_back(longer);
  }
  scratch_ = std::move(target);
  runs_ = std::move(merged);
  return {};
}

template <std::size_t kBytes>
Result<void> ExternalSorter<kBytes>::start_merge(std::span<Run> runs, std::span<Record> memory) {
  merging_ = runs;
  merge_memory_ = memory;
  records_per_run_ = memory.size() / runs.size();
  CHECK(records_per_run_ > 0);
  merged_one_ = false;
  for (std::size_t i = 0; i < runs.size(); ++i) TRY(refill(i));
  // Play every match from the leaves up; node i is fought for by nodes 2 i and 2 i + 1.
  const auto count = static_cast<std::uint32_t>(runs.size());
  losers_.assign(count, 0);
  std::vector<std::uint32_t> winners(2 * std::size_t{count});
  for (std::uint32_t i = 0; i < count; ++i) winners[count + i] = i;
  for (std::uint32_t node = count - 1; node > 0; --node) {
    const std::uint32_t left = winners[2 * std::size_t{node}];
    const std::uint32_t right = winners[2 * std::size_t{node} + 1];
    const bool left_wins = smaller(left, right);
    winners[node] = left_wins ? left : right;
    losers_[node] = left_wins ? right : left;
  }
  winner_ = count == 1 ? 0 : winners[1];
  return {};
}

template <std::size_t kBytes>
Result<void> ExternalSorter<kBytes>::refill(std::size_t leaf) {
  Run& run = merging_[leaf];
  const auto block = merge_memory_.subspan(leaf * records_per_run_, records_per_run_);
  const auto wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), run.remaining));
  run.position = run.end = block.data();
  if (wanted == 0) return {};
  TRY(check_cancelled());
  const auto bytes = std::as_writable_bytes(block.first(wanted));
  const std::size_t got = TRY(scratch_->read_at(run.offset, bytes));
  if (got != bytes.size()) {
    return fail(ErrorCode::kIo, "a scratch file in {} ended early", options_.scratch_directory);
  }
  run.offset += got;
  run.remaining -= wanted;
  run.end = block.data() + wanted;
  return {};
}

// A run that is used up loses every match; of equal records the earlier run's comes first.
template <std::size_t kBytes>
bool ExternalSorter<kBytes>::smaller(std::uint32_t a, std::uint32_t b) const {
  const Run& left = merging_[a];
  const Run& right = merging_[b];
  if (left.position == left.end) return false;
  if (right.position == right.end) return true;
  const int order = std::memcmp(left.position->data(), right.position->data(), kBytes);
  return order != 0 ? order < 0 : a < b;
}

template <std::size_t kBytes>
void ExternalSorter<kBytes>::replay(std::size_t leaf) {
  auto current = static_cast<std::uint32_t>(leaf);
  for (std::size_t node = (leaf + merging_.size()) / 2; node > 0; node /= 2) {
    if (smaller(losers_[node], current)) std::swap(losers_[node], current);
  }
  winner_ = current;
}

template <std::size_t kBytes>
Result<const typename ExternalSorter<kBytes>::Record*> ExternalSorter<kBytes>::next_merged() {
  if (merged_one_) {
    Run& taken = merging_[winner_];
    ++taken.position;
    if (taken.position == taken.end && taken.remaining > 0) TRY(refill(winner_));
    replay(winner_);
  }
  merged_one_ = true;
  const Run& best = merging_[winner_];
  return best.position == best.end ? nullptr : best.position;
}

template <std::size_t kBytes>
Result<const typename ExternalSorter<kBytes>::Record*> ExternalSorter<kBytes>::next() {
  if (!runs_.empty()) return next_merged();
  if (position_ == filled_) return nullptr;
  return &records()[position_++];
}

template class ExternalSorter<16>;  // pack and offset: reachable sets
template class ExternalSorter<28>;  // SHA-1 and offset
template class ExternalSorter<40>;  // SHA-256 and offset; a base's hash and a delta's offset
template class ExternalSorter<41>;  // an index record

}  // namespace bale
