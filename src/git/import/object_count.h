// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// ObjectCount: how many objects an archive reaches after an import. An import that lists only what
// is new adds that to the last record's number, which is exact while all of it is new to the store;
// ObjectCount finds out where it is not, and then has everything listed again.

#pragma once

#include <cstdint>

#include "bale/result.h"
#include "git/import/import_plan.h"
#include "git/source/source.h"

namespace bale {

/// Not thread-safe. The plan must outlive it.
class ObjectCount {
 public:
  explicit ObjectCount(const ImportPlan& plan) : plan_(plan) {}

  /// Takes an object that the plan's request listed and that is there: each once. `stored` says
  /// whether the store had it before this import.
  void add(bool stored);

  /// The exact number; `refs` as the plan has them. May list the source.
  Result<std::uint64_t> total(GitSource& source, const RefSnapshot& refs,
                              const Operation& operation) const;

 private:
  const ImportPlan& plan_;
  std::uint64_t reached_ = 0;
  bool unsure_ = false;  // `reached_` may lack what the previous record does not count
};

}  // namespace bale
