// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A store with deltas, whichever an import would create: the store's pack is rebuilt with each blob
// and tree as a delta against the one before.
//
//   StoreFixture fixture;
//   ASSERT_THAT(fixture.import(git.path(), "x"), IsOk());
//   ASSERT_OK_AND_ASSIGN(pack, repack_with_deltas(fixture.path()));
//   ASSERT_THAT(fixture.store().refresh(), IsOk());

#pragma once

#include <functional>
#include <string>

#include "bale/git_oid.h"
#include "bale/pack_builder.h"
#include "bale/result.h"

namespace bale {

struct DeltaStoreOptions {
  /// Objects of one type and one lineage form a chain. Empty: one lineage per type.
  std::function<std::string(const GitOid&)> lineage;
  int most_depth = 50;
};

/// Rebuilds and replaces the only pack of the store at `path`. Stores an object whole if a delta
/// would not be smaller. Not for stores in use.
Result<PackSummary> repack_with_deltas(const std::string& path,
                                       const DeltaStoreOptions& options = {});

}  // namespace bale
