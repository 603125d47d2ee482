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
// The pack is read in blocks. Lanes read them and hash them, some blocks ahead of the caller's
// thread, which walks over their headers; then lanes may do more with them. Bytes that one
// processor has read are expensive for another, and of most the caller needs the headers only. With
// one lane everything happens on the caller's thread.
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
#include "base/lane_task.h"
#include "base/lanes.h"
#include "format/entry.h"
#include "hash/blake_tree.h"
#include "pack/read/pack_bytes.h"

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
  /// How many blocks are in memory at once: one for the caller, and one, or two where there is more
  /// to do, for each lane. With one lane one is enough.
  std::size_t block_count = 1;
  /// An entry that goes on in the next block lies whole in that one's ScannedBlock if it takes no
  /// more than so many bytes. At least kMaxEntryHeaderBytes.
  std::size_t longest_kept_bytes = kMaxEntryHeaderBytes;

  /// More to do with a block, after the walk over it; may be empty. Runs on any thread, and for
  /// several blocks at once, but for one at a time of those with the same `slot`, which is below
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
    MutableBytes block;  // where it lies; as long as it is
    std::uint64_t block_offset = 0;
    BlakeSpan span;
    ScannedBlock scanned;
    bool has_work = false;
    LaneTask task;  // reading, later the work; the last member: it ends before the others go
  };

  PackScanner() = default;

  [[nodiscard]] Slot& slot_of(std::uint64_t block_number) {
    return slots_[block_number % options_->block_count];
  }

  [[nodiscard]] Slot& current() { return slot_of(block_number_); }

  [[nodiscard]] std::uint64_t block_end() {
    return current().block_offset + current().block.size();
  }

  // Where the byte at this offset lies: in the current block, or before it if it was kept.
  [[nodiscard]] const std::byte* at(std::uint64_t offset) {
    return current().block.data() + static_cast<std::ptrdiff_t>(offset - current().block_offset);
  }

  [[nodiscard]] std::byte* block_place(std::uint64_t block_number);
  Result<void> start_reading(std::uint64_t block_number);
  Result<void> read_ahead();
  Result<void> begin_block();
  Result<void> next_block(std::uint64_t keep_from);
  void hand_over(std::uint64_t entries_end);
  Result<void> take_back(Slot& slot);
  Result<void> take_all_back();
  Result<void> skip_payload();
  Result<void> check_trailer();

  const PackBytes* pack_ = nullptr;
  std::unique_ptr<const PackScannerOptions> options_;  // lanes point to it
  Buffer buffer_;
  std::unique_ptr<Slot[]> slots_;   // used by turns
  std::uint64_t block_count_ = 0;   // of the pack
  std::uint64_t block_number_ = 0;  // the one that is walked over
  std::uint64_t blocks_asked_ = 0;  // how many lanes have read, or are reading
  std::uint64_t position_ = 0;      // where the next entry begins
  std::uint64_t entries_seen_ = 0;
  BlakeTree tree_;  // of the blocks up to the current one
  ScannedEntry entry_;
};

}  // namespace bale
