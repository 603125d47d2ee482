// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What travels with a block of entries while bases are looked for: what the caller said of each
// entry, what its bytes are like, and the delta that was found.
//
// Memory: charged, with one BlockSearch for each block of the pipeline.

#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "bale/bytes.h"
#include "bale/object.h"
#include "base/check.h"
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
  Bytes program;  ///< in the block's programs
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

class BlockSearch {
 public:
  static constexpr std::size_t kMostEntries = 512;

  explicit BlockSearch(MutableBytes programs) : programs_(programs) {}

  [[nodiscard]] EntrySearch& entry(std::size_t number) { return entries_[number]; }

  void clear_programs() { used_ = 0; }

  /// Keeps a copy. Requires room: all programs of a block take half of what its payloads do.
  Bytes keep(Bytes program) {
    CHECK(program.size() <= programs_.size() - used_);
    const MutableBytes to = programs_.subspan(used_, program.size());
    std::copy(program.begin(), program.end(), to.begin());
    used_ += program.size();
    return to;
  }

 private:
  std::array<EntrySearch, kMostEntries> entries_;
  MutableBytes programs_;
  std::size_t used_ = 0;
};

}  // namespace bale
