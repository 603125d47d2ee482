// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// ObjectCount: how many objects an archive reaches after an import. An import that lists only what
// is new adds that to the last record's number, which is exact while history only grows;
// ObjectCount finds out where it is not, and then has everything listed again.

#pragma once

#include <cstdint>

#include "bale/git_oid.h"
#include "bale/result.h"
#include "bale/store.h"
#include "git/import_plan.h"
#include "git/source.h"

namespace bale {

/// Not thread-safe. Store and plan must outlive it.
class ObjectCount {
 public:
  ObjectCount(const Store& store, const ImportPlan& plan) : store_(store), plan_(plan) {}

  /// Takes an object that the plan's request listed and that is there: each once. `stored` says
  /// whether the store had it before this import.
  void add(const GitOid& oid, bool stored);

  /// The exact number; `refs` as the plan has them. May list the source.
  Result<std::uint64_t> total(GitSource& source, const RefSnapshot& refs,
                              const Operation& operation) const;

 private:
  [[nodiscard]] bool in_own_pack(const GitOid& oid) const;

  const Store& store_;
  const ImportPlan& plan_;
  std::uint64_t reached_ = 0;
  bool unsure_ = false;  // `reached_` may hold what the previous record counts
};

}  // namespace bale
