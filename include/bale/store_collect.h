// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Removing objects that no archive of a store reaches.
//
//   auto summary = bale::collect_store(store, {.dry_run = true});
//   if (!summary) return summary.error();

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bale/export.h"
#include "bale/result.h"
#include "bale/store.h"
#include "bale/work_options.h"

namespace bale {

struct CollectOptions {
  bool dry_run = false;  ///< only compute the summary
  int level = 3;         ///< for deltas that must be stored whole
  WorkOptions work{};
};

struct CollectSummary {
  std::uint64_t packs_removed = 0;    ///< with all their objects
  std::uint64_t packs_rewritten = 0;  ///< with some of their objects
  std::uint64_t objects_removed = 0;  ///< entries
  std::uint64_t objects_kept = 0;
  std::uint64_t bytes_before = 0;  ///< of all packs of the store, with their indexes
  std::uint64_t bytes_after = 0;   ///< a close guess with dry_run
  std::vector<std::string> packs_made;
  std::vector<Error> damaged;  ///< packs that were not changed because they are damaged
  /// Archives whose records are in the packs and whose pointer is lost. What they reach is kept.
  std::vector<std::string> lost_archives;
};

/// The smallest memory_bytes.
[[nodiscard]] BALE_EXPORT std::uint64_t smallest_collect_memory_bytes(int level = 3);

/// Removes every object that no record of any archive reaches: objects of removed or pruned
/// archives and of imports that were killed. Records of removal stay.
///
/// Imports may run at the same time. It waits for them before it removes packs; if one has finished
/// since the walk, it repeats the walk and blocks imports meanwhile. Readers can still read the
/// packs that they have open. If an archive reaches a missing or damaged object, nothing that it
/// may need is removed: the pack of its only import stays whole, or else all packs stay (kCorrupt).
/// Before packs are removed, a second walk proves that every reached object is also in a pack that
/// stays (kCorrupt).
///
/// It never loses a reached object, however it ends. kInvalidArgument for too little memory, with
/// the amount needed; kInterrupted. Memory: work.memory_bytes, and 33 bytes a record. Refreshes
/// the store.
BALE_EXPORT Result<CollectSummary> collect_store(Store& store, const CollectOptions& options);

}  // namespace bale
