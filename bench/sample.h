// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What one run of one contender took, and running it in a process of its own.

#pragma once

#include <cstdint>
#include <functional>

namespace bale::bench {

struct Sample {
  double seconds = 0;                 ///< the work; neither the generator's time nor fsync's
  double finish_seconds = 0;          ///< of those, after the last object was added
  double sync_seconds = 0;            ///< waiting until what was written is on the disk
  double generator_seconds = 0;       ///< making counted objects: measured by itself, subtracted
  std::uint64_t bytes = 0;            ///< on the disk afterwards
  std::uint64_t peak_rss_bytes = 0;   ///< the most, beyond what was there before the work
  std::uint64_t start_rss_bytes = 0;  ///< what was there before: the program, and stored objects
};

/// Runs `work` in a forked child and returns what it returned: no contender leaves an allocator, a
/// cache or a thread to the next, and its memory is its own. The child's failure ends the program.
/// Requires that this process has no other thread.
[[nodiscard]] Sample in_child(const std::function<Sample()>& work);

/// Resident memory of a process: now, and the most it has had (VmHWM; ru_maxrss begins, after a
/// fork, with what the parent had). 0 if it cannot be known.
struct ResidentBytes {
  std::uint64_t now = 0;
  std::uint64_t peak = 0;
};

[[nodiscard]] ResidentBytes resident_bytes(int process_id);
[[nodiscard]] ResidentBytes resident_bytes();

}  // namespace bale::bench
