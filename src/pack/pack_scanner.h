// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// PackScanner: walks over a pack from its first byte to its last, once, and hashes it on the way.
//
//   PackScanner scanner = TRY(PackScanner::create(pack_bytes, budget, {.lanes = &lanes, ...}));
//   while (const auto* entry = TRY(scanner.next())) use(entry->offset, entry->header);
//   // nullptr: all entries were there, and the trailer is right
//
// It needs no index and decodes no payload. Damage is kCorrupt with the offset; after an error in
// an entry's header nothing can be known of what follows.
//
// The pack is read in blocks. The caller's thread reads them and walks over their headers; what is
// done with a block's bytes, hashing first of all, is done by lanes, and comes together in the
// order of the blocks. With one lane everything happens on the caller's thread.
//
// Memory: PackScanner::memory_bytes(options), charged. Not thread-safe.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "bale/progress.h"
#include "bale/result.h"
#include "base/budget.h"
#include "base/lanes.h"
#include "format/entry.h"
#include "hash/blake_tree.h"
#include "pack/lane_task.h"
#include "pack/pack_bytes.h"

namespace bale {

struct ScannedEntry {
  std::uint64_t offset = 0;
  EntryHeader header;
};

/// Bytes of a pack that lie in memory together, and the entries that lie in them whole.
struct ScannedBlock {
  std::uint64_t offset = 0;  ///< of the first byte, in the pack
  Bytes bytes;
  std::uint64_t entries_begin = 0;  ///< offset of the first of these entries
  std::uint64_t entries_end = 0;    ///< where the last one ends; not above entries_begin: none
  bool any_compressed = false;      ///< whether one of them is a compressed object
};

/// Whether the entry is no delta, and its payload is not stored as it is.
[[nodiscard]] inline bool is_compressed_object(const EntryHeader& header) {
  return !header.is_delta() && header.stored_size != header.size;
}

struct PackScannerOptions {
  const Operation* operation = nullptr;
  Lanes* lanes = nullptr;

  std::size_t block_bytes = 1 << 20;  ///< a multiple of 64 KiB
  /// How many blocks are in memory at once: one for the caller, the others for lanes. Without lanes
  /// one is enough.
  std::size_t block_count = 1;
  /// An entry that goes on in the next block lies whole in that one's ScannedBlock if it takes no
  /// more than so many bytes. At least kMaxEntryHeaderBytes.
  std::size_t longest_kept_bytes = kMaxEntryHeaderBytes;

  /// More to do with a block, after hashing it; may be empty. Runs on any thread, and for several
  /// blocks at once, but for one at a time of those with the same `slot`, which is below
  /// block_count.
  std::function<Result<void>(std::size_t slot, const ScannedBlock& block)> work;
  /// Called on the caller's thread once the work is done, for all blocks in their order; may be
  /// empty.
  std::function<void(std::size_t slot)> collect;
};

class PackScanner {
 public:
  /// What a scanner charges to the budget.
  [[nodiscard]] static std::uint64_t memory_bytes(const PackScannerOptions& options);

  /// The pack, and what the options point to, must outlive the scanner.
  [[nodiscard]] static Result<PackScanner> create(const PackBytes& pack, Budget& budget,
                                                  PackScannerOptions options);

  PackScanner(PackScanner&&) noexcept = default;
  PackScanner& operator=(PackScanner&&) noexcept = delete;

  /// The next entry, valid until the call after; nullptr at the end, once the work on all blocks is
  /// done. An Error of the work comes back some time later.
  Result<const ScannedEntry*> next();

  /// For after next() found an entry's header damaged: hashes the rest of the pack, and has the
  /// work done on the entries before. kCorrupt if the checksum is wrong.
  Result<void> check_rest();

 private:
  // A place for a block, and for what stands before it of an entry that goes on in it.
  struct Slot {
    std::byte* block_begin = nullptr;
    Bytes block;
    std::uint64_t block_offset = 0;
    ScannedBlock scanned;
    BlakeSpan span;
    bool handed_over = false;
    LaneTask task;  // the last member: it ends before the others go
  };

  PackScanner() = default;

  [[nodiscard]] Slot& current() { return slots_[current_]; }

  [[nodiscard]] std::uint64_t block_end() {
    return current().block_offset + current().block.size();
  }

  // Where the byte at this offset lies: in the current block, or before it if it was kept.
  [[nodiscard]] const std::byte* at(std::uint64_t offset) {
    return current().block_begin + static_cast<std::ptrdiff_t>(offset - current().block_offset);
  }

  Result<void> next_block(std::uint64_t keep_from);
  void hand_over(std::uint64_t entries_end);
  Result<void> take_back(Slot& slot);
  Result<void> take_all_back();
  Result<void> skip_payload();
  Result<void> check_trailer();

  const PackBytes* pack_ = nullptr;
  std::unique_ptr<const PackScannerOptions> options_;  // lanes point to it
  Buffer buffer_;
  std::unique_ptr<Slot[]> slots_;  // used by turns
  std::size_t current_ = 0;        // the one that is walked over
  std::uint64_t position_ = 0;     // where the next entry begins
  std::uint64_t entries_seen_ = 0;
  BlakeTree tree_;  // of the blocks that were taken back
  ScannedEntry entry_;
};

}  // namespace bale
