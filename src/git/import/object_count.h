// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// ObjectCount: the number of objects that an archive reaches after an import. An incremental import
// adds the listed objects to the last record's number, which is exact if all are new to the store;
// otherwise ObjectCount may list everything again.

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

  /// Adds an existing object that the plan's request listed, each once. `stored`: whether the store
  /// had it before this import.
  void add(bool stored);

  /// The exact number; `refs` are the plan's. May list the source.
  Result<std::uint64_t> total(GitSource& source, const RefSnapshot& refs,
                              const Operation& operation) const;

 private:
  const ImportPlan& plan_;
  std::uint64_t reached_ = 0;
  bool unsure_ = false;  // `reached_` may lack what the previous record does not count
};

}  // namespace bale
