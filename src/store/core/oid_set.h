// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// OidSet: the ids of a stored list (oid_list.h) in memory, to ask whether one is among them.
//
// Memory: 20 or 32 bytes an id, charged. Thread-safe once loaded.

#pragma once

#include "bale/record.h"
#include "base/budget.h"
#include "pack/read/record_table.h"
#include "store/core/oid_list.h"

namespace bale {

class OidSet {
 public:
  /// An empty set.
  OidSet() = default;

  /// kCorrupt for a list that is damaged or not in order.
  [[nodiscard]] static Result<OidSet> load(const Snapshot& store, const Record::OidList& list,
                                           GitHash hash, ReadContext& context, Budget& budget);

  [[nodiscard]] bool contains(const GitOid& oid) const {
    return table_.size() > 0 && oid.hash() == hash_ && table_.find(oid.bytes()) < table_.size();
  }

 private:
  GitHash hash_ = GitHash::kSha1;
  Buffer oids_;
  RecordTable table_;
};

}  // namespace bale
