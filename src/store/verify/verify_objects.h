// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// ObjectChecker: decodes objects where they lie, and compares them with both their ids.
//
// Memory: the context's. Not thread-safe.

#pragma once

#include <cstdint>
#include <optional>

#include "bale/object.h"
#include "bale/progress.h"
#include "bale/store.h"
#include "bale/store_verifier.h"
#include "store/core/pack_set.h"
#include "store/verify/verify_findings.h"

namespace bale {

class ObjectChecker {
 public:
  /// Counts into `report`. All must outlive it.
  ObjectChecker(const Snapshot& store, const PackSet& packs, ReadContext& context,
                const Operation& operation, VerifyFindings& findings, StoreReport& report)
      : store_(store),
        packs_(packs),
        context_(context),
        operation_(operation),
        findings_(findings),
        report_(report) {}

  /// For progress.
  void expect(std::uint64_t objects) { objects_total_ = objects; }

  Result<void> check(const ObjectLocation& location, std::optional<ObjectType> expected);

  /// Every entry of every pack, as they follow each other.
  Result<void> check_all();

  /// Of each pack, entries that its index leads to: each with this probability, by a seed. Equal
  /// packs and an equal seed give the same entries.
  Result<void> check_some(double share, std::uint64_t seed);

 private:
  Result<void> check_pack(std::uint32_t number, const PackReader& pack);
  Result<void> check_from(std::uint32_t number, const PackReader& pack, std::uint64_t offset);
  Result<void> check_some_of(std::uint32_t number, const PackReader& pack, double share,
                             std::uint64_t seed);
  Result<void> check_git_id(const StoredPack& pack, const ObjectLocation& location,
                            const GitOid& oid);

  const Snapshot store_;
  const PackSet& packs_;
  ReadContext& context_;
  const Operation& operation_;
  VerifyFindings& findings_;
  StoreReport& report_;
  std::uint64_t objects_total_ = 0;
};

}  // namespace bale
