// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A store whose pack has deltas, whatever an import makes of them by itself: the pack of a store is
// read whole and built anew, each blob and tree as a delta against the one before.
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
  /// Objects of one type and one lineage form a chain. Empty: there is one lineage a type.
  std::function<std::string(const GitOid&)> lineage;
  int most_depth = 50;
};

/// Builds the only pack of the store at `path` anew and puts it in the old one's place. Each object
/// is stored whole where a delta would not be smaller. Not for stores in use.
Result<PackSummary> repack_with_deltas(const std::string& path,
                                       const DeltaStoreOptions& options = {});

}  // namespace bale
