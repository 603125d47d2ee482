// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Collecting what no archive of a store reaches any more.
//
//   auto summary = bale::collect_store(store, {.dry_run = true});
//   if (!summary) return summary.error();

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bale/progress.h"
#include "bale/result.h"
#include "bale/store.h"

namespace bale {

struct CollectOptions {
  bool dry_run = false;  ///< say what would go, and do nothing
  int level = 3;         ///< of objects that cannot stay the deltas they were
  std::uint64_t memory_bytes = 64 << 20;
  std::size_t lanes = 0;
  bool sync = true;  ///< false: fast and not safe against a power cut, for tests
  Operation operation;
};

struct CollectSummary {
  std::uint64_t packs_removed = 0;    ///< with everything that is in them
  std::uint64_t packs_rewritten = 0;  ///< of which a part is left
  std::uint64_t objects_removed = 0;  ///< entries
  std::uint64_t objects_kept = 0;
  std::uint64_t bytes_before = 0;  ///< of all packs of the store, with their indexes
  std::uint64_t bytes_after = 0;   ///< a close guess with dry_run
  std::vector<std::string> packs_made;
  std::vector<Error> damaged;  ///< packs that were left alone because they are damaged
  /// Archives whose records are in the packs and whose pointer is lost. What they reach is kept.
  std::vector<std::string> lost_archives;
};

/// The smallest memory_bytes.
[[nodiscard]] std::uint64_t smallest_collect_memory_bytes(int level = 3);

/// Removes every object that no record of any archive reaches: what archives that were removed or
/// pruned leave, and what imports that died left. Records of removal stay.
///
/// Imports may run beside it. It waits for them before it takes packs away, and where one has
/// finished since it looked, it looks again, holding imports back. Readers go on in what they have
/// open. Where an archive reaches something that is missing or damaged, nothing is removed that it
/// may need: the pack of its only import stays whole, and otherwise all packs stay (kCorrupt).
/// Before packs go, a second walk proves that nothing which is reached is in them alone (kCorrupt).
///
/// However it ends, nothing that is reached is lost. kInvalidArgument for too little memory, with
/// what would do; kInterrupted. Memory: options.memory_bytes, and 33 bytes a record. Refreshes the
/// store.
Result<CollectSummary> collect_store(Store& store, const CollectOptions& options);

}  // namespace bale
