// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// LossLog: the objects that are lost beyond those that a report holds, in any number: noted as
// often as somebody comes upon them, told of once each.
//
//   TRY(log.add_missing(oid, type));
//   TRY(log.add_damaged_entry(location));         // whose ids come to light in name_entries()
//   TRY(log.name_entries(packs));
//   TRY(log.for_each([&](const Loss& loss) -> Result<void> { ... }));
//
// Memory: 512 KiB once there is anything, 600 KiB while entries are named. Scratch: 64 bytes for
// each loss that is noted, 16 for each entry. Time: a pass over the Git ids of all packs for each
// 10,000 damaged entries. Not thread-safe.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>

#include "bale/git_oid.h"
#include "bale/object.h"
#include "bale/store.h"
#include "base/budget.h"
#include "scratch/external_sorter.h"
#include "store/core/pack_set.h"

namespace bale {

struct Loss {
  GitOid oid;
  std::optional<ObjectType> type;         ///< where it is known
  std::optional<ObjectLocation> damaged;  ///< its entry; nullopt: it is in none of the packs
};

/// Calls `use` for each of these entries that a look-up by a Git id leads to, with that id. Of an
/// id that several packs have, look-ups lead to one entry: damage in another one takes nothing from
/// anybody. One pass over all Git ids.
Result<void> for_each_name(
    const PackSet& packs, const std::set<ObjectLocation>& entries,
    const std::function<Result<void>(const GitOid& oid, const ObjectLocation& location)>& use);

class LossLog {
 public:
  /// Where to sort, on scratch; `memory_bytes` is not asked. For before anything is added.
  void sort_in(const SorterOptions& options) { options_ = options; }

  Result<void> add(const Loss& loss);
  Result<void> add_damaged_entry(const ObjectLocation& location);

  /// Adds the objects whose entries are damaged. Call once, before for_each().
  Result<void> name_entries(const PackSet& packs);

  /// Each object once, in the order of their ids. Call once. An Error ends it and comes back.
  Result<void> for_each(const std::function<Result<void>(const Loss&)>& use);

 private:
  using Losses = ExternalSorter<64>;
  using Entries = ExternalSorter<16>;

  template <typename Sorter>
  Result<void> start(std::optional<Sorter>& sorter);

  SorterOptions options_;
  Budget budget_{2 * kMinSorterBytes};
  std::optional<Losses> losses_;
  std::optional<Entries> entries_;
};

}  // namespace bale
