// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Which objects an import requests: all that refs and HEAD reach, or only those that the archive's
// last record did not reach, or none if nothing changed. It reads only the archive's newest record.

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
  /// The id in the archive's pointer, which becomes the new record's predecessor: the newest
  /// record, or the removal.
  std::optional<ObjectId> pointer;
  /// The archive's newest record, if there is one.
  std::optional<ArchiveRecord> previous;
  /// The refs of `previous`, where they can be read.
  std::optional<RefList> previous_refs;
  /// How many records the archive has with the new one; 0 where older ones cannot be counted.
  std::uint64_t number = 1;
  /// A new record would equal `previous`, whose objects are archived: nothing to list or write.
  bool unchanged = false;
  /// The source has the same path, but none of the archive's last commits.
  bool replaced = false;
  /// The request excludes objects that `previous` reaches.
  bool incremental = false;
  /// `previous` counts every object that the store has.
  bool all_stored_counted = false;
};

/// Where all that an import of these refs archives is reached from: sorted, each once.
[[nodiscard]] Result<std::vector<GitOid>> tips_of(const RefSnapshot& refs);

/// Plans an import into the archive `options.name`. `refs` are the source's current ones.
/// kInvalidArgument if the source has another path than the last one and seems to be another
/// repository, unless options.new_source (see same_repository.h). Memory: half of
/// options.memory_bytes for the time of the call, and 33 bytes for each object that a ref of the
/// source leads to, and each that one of the last record does, twice that while they are collected.
[[nodiscard]] Result<ImportPlan> plan_import(const Snapshot& store, GitSource& source,
                                             const RefSnapshot& refs,
                                             const GitImportOptions& options);

}  // namespace bale
