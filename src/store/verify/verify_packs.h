// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Checking what holds the objects of a store: packs, their indexes, the catalog. No payload is
// decoded here.

#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "bale/progress.h"
#include "bale/store.h"
#include "store/core/pack_set.h"
#include "store/verify/verify_findings.h"

namespace bale {

struct VerifyPacksOptions {
  std::uint64_t memory_bytes = 0;
  std::string scratch_directory;
  bool whole = true;  ///< all bytes of the packs; otherwise their ends and their indexes
  const Operation* operation = nullptr;  ///< required
};

/// The packs to check: those of `store`, without the catalog where that cannot be
/// trusted, or leads to packs that cannot be opened. Notes what is wrong with the catalog; if it is
/// about `all_packs`, compares it with their indexes, and notes packs and Git indexes that cannot
/// be opened.
Result<Snapshot> usable_packs(const Snapshot& store, bool all_packs, VerifyFindings& findings,
                              const Operation& operation);

/// Checks all packs of a set that usable_packs() gave; returns the number of entries they have.
Result<std::uint64_t> verify_packs(const Snapshot& store, const PackSet& packs,
                                   const VerifyPacksOptions& options, VerifyFindings& findings);

}  // namespace bale
