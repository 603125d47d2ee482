// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// With a thousand runs a record costs ten matches. To avoid waiting for memory, a node holds its
// loser's first bytes as a number, and a run's next record is prefetched while the previous one
// plays. To avoid branch mispredictions, which random ids cause half of the time, a match has no
// branch. Records themselves are compared only if the numbers are equal.

#include "scratch/run_merger.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/try.h"
#include "scratch/record_window.h"

namespace bale {
namespace {

// Hides the value from the compiler, which would otherwise emit a branch.
template <typename T>
T opaque(T value) {
  asm("" : "+r"(value));
  return value;
}

}  // namespace

template <std::size_t kBytes>
Result<RunMerger<kBytes>> RunMerger<kBytes>::create(MergeSource source,
                                                    std::span<const ScratchRun> runs,
                                                    std::span<Record> memory) {
  CHECK(!runs.empty() && memory.size() >= runs.size());
  RunMerger merger(std::move(source));
  merger.window_depth_ = std::min(merger.source_.shared_bytes, kBytes - kRecordWindowBytes);
  merger.memory_ = memory;
  merger.block_records_ = memory.size() / runs.size();
  merger.on_file_.assign(runs.begin(), runs.end());
  merger.runs_.resize(std::bit_ceil(runs.size()));
  for (std::uint32_t run = 0; run < runs.size(); ++run) TRY(merger.read_block(run));
  merger.loser_windows_.resize(merger.runs_.size());
  merger.loser_runs_.resize(merger.runs_.size());
  merger.winner_ = merger.play(1).run;
  return merger;
}

template <std::size_t kBytes>
Result<void> RunMerger<kBytes>::read_block(std::uint32_t run) {
  ScratchRun& on_file = on_file_[run];
  const auto block = memory_.subspan(run * block_records_, block_records_);
  const auto wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), on_file.record_count));
  if (source_.operation != nullptr && source_.operation->cancelled()) {
    return fail(ErrorCode::kInterrupted, "interrupted while sorting");
  }
  const auto bytes = std::as_writable_bytes(block.first(wanted));
  const std::size_t got = TRY(source_.file->read_at(on_file.offset, bytes));
  if (got != bytes.size()) {
    return fail(ErrorCode::kIo, "a scratch file in {} ended early", source_.scratch_directory);
  }
  on_file.offset += got;
  on_file.record_count -= wanted;
  runs_[run] = {.position = block.data(), .end = block.data() + wanted};
  look_ahead(runs_[run]);
  return {};
}

// Loads the window of a run's next record, and prefetches the one after.
template <std::size_t kBytes>
void RunMerger<kBytes>::look_ahead(Run& run) const {
  if (run.end - run.position < 2) return;
  run.following_window = record_window(run.position[1], window_depth_);
  // Its last byte: its first may share a cache line with the record before.
  __builtin_prefetch(run.position->data() + 3 * kBytes - 1);
}

template <std::size_t kBytes>
std::uint64_t RunMerger<kBytes>::window(std::uint32_t run) const {
  const Run& contending = runs_[run];
  if (contending.position == contending.end) return UINT64_MAX;
  return record_window(*contending.position, window_depth_);
}

// An exhausted run loses every match. Of equal records any may win.
template <std::size_t kBytes>
bool RunMerger<kBytes>::beats_at_equal_windows(std::uint32_t a, std::uint32_t b) const {
  if (runs_[a].position == runs_[a].end) return false;
  if (runs_[b].position == runs_[b].end) return true;
  return std::memcmp(runs_[a].position->data(), runs_[b].position->data(), kBytes) < 0;
}

// Plays all matches from the leaves up to this node; returns the winner.
template <std::size_t kBytes>
typename RunMerger<kBytes>::Contender RunMerger<kBytes>::play(std::size_t node) {
  if (node >= runs_.size()) {
    const auto run = static_cast<std::uint32_t>(node - runs_.size());
    return {window(run), run};
  }
  Contender winner = play(2 * node);
  Contender loser = play(2 * node + 1);
  const bool right_wins = loser.window != winner.window
                              ? loser.window < winner.window
                              : beats_at_equal_windows(loser.run, winner.run);
  if (right_wins) std::swap(winner, loser);
  loser_windows_[node] = loser.window;
  loser_runs_[node] = loser.run;
  return winner;
}

// Replays the matches on the winner's path, with its next record.
template <std::size_t kBytes>
void RunMerger<kBytes>::replay(Contender current) {
  for (std::size_t node = (current.run + runs_.size()) / 2; node > 0; node /= 2) {
    const std::uint64_t window = loser_windows_[node];
    const std::uint32_t run = loser_runs_[node];
    bool loser_wins = window < current.window;
    if (window == current.window) [[unlikely]] {
      loser_wins = beats_at_equal_windows(run, current.run);
    }
    // A conditional exchange without a branch: the mask is all ones or zero.
    const std::uint64_t mask = opaque(-std::uint64_t{loser_wins});
    const std::uint64_t windows = (window ^ current.window) & mask;
    const std::uint32_t runs = (run ^ current.run) & static_cast<std::uint32_t>(mask);
    loser_windows_[node] = window ^ windows;
    loser_runs_[node] = run ^ runs;
    current = {current.window ^ windows, current.run ^ runs};
  }
  winner_ = current.run;
}

// Advances past the winner's record.
template <std::size_t kBytes>
Result<void> RunMerger<kBytes>::advance() {
  Run& run = runs_[winner_];
  ++run.position;
  if (run.position != run.end) [[likely]] {
    const std::uint64_t window = run.following_window;
    look_ahead(run);
    replay({window, winner_});
    return {};
  }
  if (on_file_[winner_].record_count > 0) TRY(read_block(winner_));
  replay({window(winner_), winner_});
  return {};
}

template <std::size_t kBytes>
Result<std::size_t> RunMerger<kBytes>::fill(std::span<Record> out) {
  std::size_t count = 0;
  for (; count < out.size(); ++count) {
    const Run& best = runs_[winner_];
    if (best.position == best.end) break;
    out[count] = *best.position;
    TRY(advance());
  }
  return count;
}

template class RunMerger<16>;  // pack and offset: reachable sets
template class RunMerger<28>;  // SHA-1 and offset; a change id, pack and offset
template class RunMerger<32>;  // SHA-1, pack and offset: a catalog
template class RunMerger<40>;  // SHA-256 and offset; a base's hash and a delta's offset
template class RunMerger<41>;  // an index record
template class RunMerger<44>;  // SHA-256 or a content hash, pack and offset
template class RunMerger<64>;  // a name, two numbers and a Git id: an import's order

}  // namespace bale
