// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The second opinion of a collection, before anything is removed: whatever the archives reach, and
// the records and lists themselves, is in a pack that stays.
//
// It shares no reasoning with what chose the packs (collect_roots.h, closure.h): it reads the
// records and walks the objects by itself, with its own reading of Git's grammar, and believes no
// link about the type of its target. So a mistake in one of the two is found by the other, and
// then nothing is removed.

#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "bale/progress.h"
#include "bale/result.h"
#include "bale/store.h"

namespace bale {

struct CollectProofOptions {
  std::uint64_t memory_bytes = 64 << 20;  ///< at least kMinCollectProofBytes
  std::string scratch_directory;
  const Operation* operation = nullptr;  ///< required
};

inline constexpr std::uint64_t kMinCollectProofBytes = 16 << 20;

/// Proves that the packs `going` can be removed from the store, while those in `sound` stay. What
/// is in packs that are neither counts as damaged: it is read as far as that works, and nothing
/// that only it has is missed.
///
/// kCorrupt, with the object and who needs it, where something that an archive reaches is in packs
/// that go, and in none that is sound and stays. kInvalidArgument below kMinCollectProofBytes. The
/// caller holds back imports. Nothing is written but scratch.
///
/// Memory: options.memory_bytes: a bit for each Git object in an eighth of it (more is kept on
/// scratch), half to read, and 33 bytes a record. Not thread-safe.
Result<void> prove_collection(const Snapshot& store, const std::set<std::string>& going,
                              const std::set<std::string>& sound,
                              const CollectProofOptions& options);

}  // namespace bale
