// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// LineSorter: sorts any number of lines of any length, in the order of their bytes. What does not
// fit in memory is sorted in runs on scratch, which are merged while they are read. For records of
// a fixed size ExternalSorter is faster.
//
//   LineSorter sorter(file_system, scratch_directory, 4 << 20);
//   TRY(sorter.add("refs/heads/main"));
//   TRY(sorter.sort());
//   while (const auto line = TRY(sorter.next())) use(*line);
//
// Memory: `memory_bytes` while lines are added, 16 KiB a run while they are read. A run holds
// `memory_bytes` of lines, at 8 bytes more a line. Not thread-safe.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scratch/scratch_text.h"

namespace bale {

class LineSorter {
 public:
  /// `files` must outlive it.
  LineSorter(FileSystem& files, std::string scratch_directory, std::size_t memory_bytes)
      : memory_bytes_(memory_bytes), spilled_(files, std::move(scratch_directory), 64 << 10) {}

  /// Requires that `line` has no newline.
  Result<void> add(std::string_view line);

  /// Ends the adding. Call once, before the first next().
  Result<void> sort();

  /// The next line; nullopt at the end. Equal lines are all kept. Valid until the next call.
  Result<std::optional<std::string_view>> next();

 private:
  struct Line {
    std::uint32_t begin;
    std::uint32_t size;
  };

  struct Run {
    ScratchText::Lines lines;
    std::string_view line;  // the next one
  };

  [[nodiscard]] std::string_view text_of(const Line& line) const {
    return std::string_view(text_).substr(line.begin, line.size);
  }

  void sort_memory();
  Result<void> spill();
  Result<bool> advance(Run& run);

  std::size_t memory_bytes_;
  std::string text_;         // of the lines in memory, one after the other
  std::vector<Line> lines_;  // where they are in it
  std::size_t at_ = 0;       // of lines_: the next one, where nothing was spilled
  ScratchText spilled_;
  std::vector<std::uint64_t> run_ends_;  // in spilled_
  std::vector<Run> runs_;
  std::vector<std::size_t> heap_;  // of runs_: the one with the smallest line first
  bool first_is_used_ = false;
};

}  // namespace bale
