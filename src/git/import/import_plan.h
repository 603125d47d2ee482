// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What an import asks a source for: all that its refs and HEAD reach, or only what the archive's
// last record did not; or nothing, where nothing changed. Of the archive's records only the newest
// is read, however many there are.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bale/git_import.h"
#include "bale/git_oid.h"
#include "bale/result.h"
#include "bale/store.h"
#include "git/source/object_listing.h"
#include "git/source/source.h"

namespace bale {

struct ImportPlan {
  ListRequest request;
  /// What the archive's pointer names, and the new record as the one before it: its newest record,
  /// or its removal.
  std::optional<ObjectId> pointer;
  /// The archive's newest record, if there is one.
  std::optional<ArchiveRecord> previous;
  /// How many records the archive has with the new one; 0 where older ones cannot be counted.
  std::uint64_t number = 1;
  /// `previous` says all that a new record would say, and what it reaches is archived: nothing is
  /// to be listed, and nothing to be written.
  bool unchanged = false;
  /// The source is where it was, and has no commit of the archive's last ones any more.
  bool replaced = false;
  /// The request leaves out what `previous` reaches.
  bool incremental = false;
  /// `previous` counts every object that the store has.
  bool all_stored_counted = false;
};

/// Where all that an import of these refs archives is reached from.
[[nodiscard]] std::vector<GitOid> tips_of(const RefSnapshot& refs);

/// Plans an import into the archive `options.name`. `refs` are the source's as they are now.
/// kInvalidArgument where the source is at another path than the last one and seems to be another
/// repository, unless options.new_source (see same_repository.h). Memory: half of
/// options.memory_bytes for the time of the call, and in proportion to the number of refs.
[[nodiscard]] Result<ImportPlan> plan_import(const Store& store, GitSource& source,
                                             const RefSnapshot& refs,
                                             const GitImportOptions& options);

}  // namespace bale
