// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What travels with a block of entries while bases are looked for: what the caller said of each
// entry, what its bytes are like, and the delta that was found.
//
// Memory: charged, with one BlockSearch for each block of the pipeline.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "bale/bytes.h"
#include "bale/object.h"
#include "codec/sketch.h"

namespace bale {

/// What the caller says: see BaseHints.
struct EntryHints {
  static constexpr std::size_t kMostGiven = 3;

  std::uint64_t lineage = 0;  ///< 0: none
  std::array<std::uint64_t, kMostGiven> given{};
  std::uint8_t given_count = 0;
};

/// A delta against an earlier entry.
struct FoundDelta {
  std::uint64_t base = 0;  ///< its number in the pack
  ObjectId base_id;
  Bytes program;  ///< in the block
};

struct EntrySearch {
  EntryHints hints;
  Sketch sketch;
  ObjectType type = ObjectType::kBlob;
  int depth = 0;                    ///< if it is stored as the delta that was found
  std::uint64_t rebuild_bytes = 0;  ///< the same
  std::optional<FoundDelta> found;
  bool stored_as_delta = false;
};

/// How long a program may be: what is longer saves too little.
inline constexpr std::size_t kMostDeltaBytes = 128 << 10;

struct BlockSearch {
  static constexpr std::size_t kMostEntries = 512;

  std::array<EntrySearch, kMostEntries> entries;
};

}  // namespace bale
