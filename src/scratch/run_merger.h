// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// RunMerger: reads sorted runs of a scratch file as one sorted stream, a block at a time. The
// second half of ExternalSorter.
//
// Memory: the caller's, divided among the runs, and 52 to 88 bytes a run. Thread-compatible.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bale/file_system.h"
#include "bale/progress.h"
#include "bale/result.h"

namespace bale {

/// A sorted piece of a scratch file.
struct ScratchRun {
  std::uint64_t offset = 0;  ///< of its first record
  std::uint64_t record_count = 0;
};

/// The input of a merge.
struct MergeSource {
  File* file = nullptr;
  const Operation* operation = nullptr;  ///< may be null; asked before each read
  std::string scratch_directory;         ///< for messages
  std::size_t shared_bytes = 0;          ///< at the start of every record
};

template <std::size_t kBytes>
class RunMerger {
 public:
  using Record = std::array<std::byte, kBytes>;

  /// At least one run, each with a record or more. `memory` buffers the runs, with room for at
  /// least one record each. It, the file and the operation must outlive the merger.
  [[nodiscard]] static Result<RunMerger> create(MergeSource source,
                                                std::span<const ScratchRun> runs,
                                                std::span<Record> memory);

  RunMerger(RunMerger&&) noexcept = default;
  RunMerger& operator=(RunMerger&&) noexcept = default;

  /// Fills `out` with the next records and returns their number, less than out.size() only at the
  /// end. After an error the merger may only be destroyed.
  Result<std::size_t> fill(std::span<Record> out);

 private:
  // The part of a run in memory; the rest is in the file.
  struct Run {
    const Record* position = nullptr;    // the next record
    const Record* end = nullptr;         // == position if the run is exhausted
    std::uint64_t following_window = 0;  // of the record after `position`, if in memory
  };

  // A run with the window of its next record, which decides most matches. All ones for an exhausted
  // run.
  struct Contender {
    std::uint64_t window;
    std::uint32_t run;
  };

  explicit RunMerger(MergeSource source) : source_(std::move(source)) {}

  Result<void> read_block(std::uint32_t run);
  void look_ahead(Run& run) const;
  [[nodiscard]] std::uint64_t window(std::uint32_t run) const;
  [[nodiscard]] bool beats_at_equal_windows(std::uint32_t a, std::uint32_t b) const;
  Contender play(std::size_t node);
  void replay(Contender current);
  Result<void> advance();

  MergeSource source_;
  std::size_t window_depth_ = 0;  // the window's offset in a record
  std::span<Record> memory_;
  std::size_t block_records_ = 0;    // of memory a run
  std::vector<ScratchRun> on_file_;  // the unread parts, by run
  std::vector<Run> runs_;  // padded with empty ones so that all paths in the tree have one length
  // A tournament tree of losers (Knuth, TAOCP vol. 3, 5.4.1): at node i the winners of nodes 2 i
  // and 2 i + 1 play; the leaves, not stored, are the runs.
  std::vector<std::uint64_t> loser_windows_;
  std::vector<std::uint32_t> loser_runs_;
  std::uint32_t winner_ = 0;
};

extern template class RunMerger<16>;
extern template class RunMerger<28>;
extern template class RunMerger<32>;
extern template class RunMerger<40>;
extern template class RunMerger<41>;
extern template class RunMerger<44>;
extern template class RunMerger<64>;

}  // namespace bale
