// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What an import asks a source for: all that its refs and HEAD reach, or only what the archive's
// last record did not. And what it must know of older records to count exactly; object_count.h does
// that.

#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "bale/git_import.h"
#include "bale/git_oid.h"
#include "bale/result.h"
#include "bale/store.h"
#include "git/object_listing.h"
#include "git/source.h"

namespace bale {

struct ImportPlan {
  ListRequest request;
  /// What the archive's pointer names, and the new record as the one before it: its newest record,
  /// or its removal.
  std::optional<ObjectId> pointer;
  /// The archive's newest record, if there is one.
  std::optional<ArchiveRecord> previous;
  /// The request leaves out what `previous` reaches.
  bool incremental = false;
  /// Each import of this archive added to the one before and shared nothing with other archives,
  /// and all their records are there, in their own packs: so what is in those is what it counts.
  bool only_grew = true;
  /// The store's numbers of the packs with this archive's records.
  std::set<std::uint32_t> own_packs;
};

/// Where all that an import of these refs archives is reached from.
[[nodiscard]] std::vector<GitOid> tips_of(const RefSnapshot& refs);

/// Plans an import into the archive `options.name`. `refs` are the source's as they are now. The
/// store may not be refreshed while the plan is in use. Memory: 8 MiB for the time of the call, and
/// in proportion to the number of refs.
[[nodiscard]] Result<ImportPlan> plan_import(const Store& store, GitSource& source,
                                             const RefSnapshot& refs,
                                             const GitImportOptions& options);

}  // namespace bale
