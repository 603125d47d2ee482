// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// PayloadChecker: decodes every payload of a pack, on lanes, to see whether it can be.
//
//   PayloadChecker checker(pack);
//   checker.prepare(slot_count);
//   ... scan the pack: check(slot, block) on lanes, collect(slot) and saw(entry) in order ...
//   checker.forget_slots();
//   if (checker.any_left()) TRY(checker.check_left(index, {...}));
//   use(checker.findings(), checker.bytes());
//
// Compressed objects are decoded while the pack is scanned, so that it is read once. What needs
// more than the bytes at hand comes later, in parts of the pack that go on without a gap: deltas,
// and objects that are large. From the first delta on everything comes later, for what stands
// between deltas is what they are made of. Raw payloads need no decoding.
//
// What is found does not depend on the number of lanes. Memory: see each function.

#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "bale/progress.h"
#include "bale/result.h"
#include "base/lanes.h"
#include "pack/check/findings.h"
#include "pack/check/pack_scanner.h"
#include "pack/read/index_view.h"
#include "pack/read/pack_bytes.h"
#include "pack/read/read_context.h"

namespace bale {

class PayloadChecker {
 public:
  /// The pack must outlive the checker.
  explicit PayloadChecker(const PackBytes& pack);

  // ---- while the pack is scanned

  /// Entries of more bytes than that are left for later: what a PackScanner should keep.
  static constexpr std::size_t kLongestEntryBytes = 256 << 10;

  /// What a slot may take, for an object and a decompressor: the caller charges it.
  [[nodiscard]] static std::uint64_t slot_bytes();

  /// For blocks in so many slots.
  void prepare(std::size_t slot_count);

  /// Every entry, in order, before the block in which it ends is checked.
  void saw(const ScannedEntry& entry);

  /// Decodes what the block holds whole. On any thread, one at a time a slot.
  Result<void> check(std::size_t slot, const ScannedBlock& block);

  /// Takes what check() found, in the order of the blocks.
  void collect(std::size_t slot);

  /// Gives the memory of prepare() back.
  void forget_slots() { slots_.clear(); }

  // ---- afterwards, if all headers were right

  [[nodiscard]] bool any_left() const { return left_bytes_ > 0; }

  /// Whether an index is needed for what is left.
  [[nodiscard]] bool any_delta() const { return first_delta_.load() != kNone; }

  struct LeftOptions {
    const IndexView* index = nullptr;  ///< may be null where there is no delta
    Lanes* lanes = nullptr;
    std::uint64_t memory_bytes = 0;  ///< for all lanes together
    const Operation* operation = nullptr;
  };

  /// Decodes what was left. An object that needs more memory than a lane's share is decoded when
  /// the others are done. kLimitExceeded, with the memory that would do, if that is too little too.
  Result<void> check_left(const LeftOptions& options);

  // ---- in the end

  /// Bytes of the payloads that are well.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  [[nodiscard]] Findings& findings() { return findings_; }

 private:
  static constexpr std::uint64_t kNone = UINT64_MAX;

  // What a slot's blocks are decoded with, and what was found in the last one.
  struct Slot {
    explicit Slot(std::uint64_t memory_bytes) : context(memory_bytes) {}

    ReadMemory context;
    Findings findings;
    std::uint64_t bytes = 0;
  };

  // A stretch of the pack: where its first entry begins, and whether any of them was left.
  struct Stretch {
    std::uint64_t first_entry = kNone;
    bool left = false;
  };

  // Stretches in a row that one lane checks.
  struct Part {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    Findings findings;
    std::uint64_t bytes = 0;
    Result<void> result;
  };

  struct LeftWork;

  [[nodiscard]] bool is_left(const EntryHeader& header, std::uint64_t offset) const;
  [[nodiscard]] std::vector<Part> parts(std::size_t lane_count) const;
  Result<void> check_part(Part& part, ReadMemory& context, LeftWork& work) const;
  void check_on_lanes(std::vector<Part>& parts, const LeftOptions& options, LeftWork& work) const;

  const PackBytes* pack_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::uint64_t stretch_bytes_;
  std::vector<Stretch> stretches_;
  std::uint64_t entries_end_ = 0;  // where the last entry ends: bytes that are none may follow
  std::uint64_t left_entries_ = 0;
  std::uint64_t left_bytes_ = 0;  // of entries
  // Written by the caller's thread, read by lanes: what they compare with it comes before it where
  // they cannot know it yet.
  std::atomic<std::uint64_t> first_delta_ = kNone;
  std::uint64_t bytes_ = 0;
  Findings findings_;
};

}  // namespace bale
