// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// BaseChooser: says which earlier entries of a pack a new one should be tried against as a delta.
//
// It looks at entries of the same type only:
//   - those that the caller named,
//   - the last 16 of the stream,
//   - the last 16 of the same lineage (versions of one path), and of older ones the last that was
//     whole, and two more that are not deep: a long row of versions would run out of bases else,
//   - those that a table from features (codec/sketch.h) to the last entry that had them finds.
// Of what the caller did not name it predicts which would make the smallest delta: by the features
// that the two have in common, then by age, then by depth. A base is never more than 49 deltas away
// from a whole object, and rebuilding an object never takes more than decoding 8 times its size and
// 1 MiB: remember() says what became of an entry before the next one comes.
//
// The window and the lineage suffice where versions of one thing come one after the other;
// then a base is nearly always still in memory, for who writes and for who reads in order.
//
// Memory, charged: memory_bytes(options); the tables forget what is oldest. Not thread-safe:
// entries are to be announced one by one, in the order of the pack.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "bale/object.h"
#include "bale/result.h"
#include "base/budget.h"
#include "pack/deltas/base_search.h"
#include "pack/deltas/entry_log.h"

namespace bale {

/// What rebuilding an object of `size` bytes may decode at most, all bases and itself together.
[[nodiscard]] constexpr std::uint64_t most_rebuild_bytes(std::uint64_t size) {
  return 8 * size + (std::uint64_t{1} << 20);
}

/// A base to be tried.
struct BaseCandidate {
  std::uint64_t entry = 0;  ///< its number in the pack
  int depth = 0;
  std::uint64_t rebuild_bytes = 0;
  std::size_t uses = 0;  ///< of what is allowed to a delta against it, in 256ths
  // If it is one of the last entries:
  std::optional<std::uint64_t> ring_at;  ///< in the PayloadRing; else it must be read back
  ObjectId id;
  std::uint64_t size = 0;
};

class BaseChooser {
 public:
  struct Options {
    /// For features and lineages.
    std::uint64_t table_bytes = 1 << 20;
    /// Entries that are not in the log yet must be among so many last ones.
    std::uint64_t least_recent = 0;
    /// Larger objects are neither bases nor deltas.
    std::uint64_t most_object_bytes = 1 << 20;
  };

  [[nodiscard]] static std::uint64_t memory_bytes(const Options& options);

  /// Budget and log must outlive the chooser.
  [[nodiscard]] static Result<BaseChooser> create(Budget& budget, const Options& options,
                                                  const EntryLog& log);

  /// The next entry.
  struct Newcomer {
    ObjectId id;
    ObjectType type = ObjectType::kBlob;
    std::uint64_t size = 0;
    std::uint64_t ring_at = 0;       ///< its payload's place in the PayloadRing
    std::uint64_t bytes_before = 0;  ///< payload bytes of all entries before it
  };

  static constexpr std::size_t kMostCandidates = 4;

  /// Names the bases that the next entry should be tried against, best first: at most
  /// kMostCandidates. The caller knows whether the ring still holds them.
  Result<std::span<BaseCandidate>> candidates(const Newcomer& entry, const EntrySearch& search);

  /// Says what has become of the entry: depth and rebuild_bytes are filled in. Call after
  /// candidates(); `base`, if not null, is one of them.
  void remember(const Newcomer& entry, EntrySearch& search, const BaseCandidate* base);

  /// The next entry takes no part.
  void skip() { recent(next_++) = {}; }

  [[nodiscard]] std::uint64_t next() const { return next_; }

 private:
  // What is known of one of the last entries.
  struct Recent {
    ObjectId id;
    ObjectType type = ObjectType::kBlob;
    bool may_be_base = false;
    int depth = 0;
    std::uint64_t size = 0;
    std::uint64_t rebuild_bytes = 0;
    std::uint64_t ring_at = 0;
    std::uint64_t bytes_before = 0;
    std::uint64_t lineage = 0;
    std::uint64_t previous = kNone;  // of the same lineage
    Sketch sketch;
  };

  static constexpr std::size_t kAnchors = 3;

  struct LineageSlot {
    std::uint64_t lineage = 0;
    std::uint64_t last = 0;
    // The newest that are not deep: see anchor_uses().
    std::array<std::uint64_t, kAnchors> anchors{};
  };

  struct FeatureSlot {
    std::uint32_t feature = 0;
    std::uint32_t last = 0;  // the lower half of its number
  };

  struct Scored {
    int score = 0;
    BaseCandidate candidate;
  };

  struct Ranking;

  static constexpr std::uint64_t kNone = ~std::uint64_t{0};

  BaseChooser(const Options& options, const EntryLog& log, Buffer memory);

  [[nodiscard]] Recent& recent(std::uint64_t entry) { return recents_[entry % recent_count_]; }

  [[nodiscard]] bool is_recent(std::uint64_t entry) const;
  std::optional<BaseCandidate> recent_candidate(const Newcomer& newcomer, std::uint64_t entry);
  Result<LoggedEntry> old_entry(std::uint64_t entry) const;
  Result<std::optional<BaseCandidate>> old_candidate(const Newcomer& newcomer,
                                                     std::uint64_t entry) const;
  void rank_recent(const Newcomer& newcomer, const EntrySearch& search, std::uint64_t entry,
                   Ranking& ranking);
  Result<void> rank_old(const Newcomer& newcomer, std::uint64_t entry, unsigned common,
                        Ranking& ranking);
  void rank_window(const Newcomer& newcomer, const EntrySearch& search, Ranking& ranking);
  Result<void> rank_version(const Newcomer& newcomer, const EntrySearch& search,
                            std::uint64_t entry, Ranking& ranking);
  Result<void> rank_lineage(const Newcomer& newcomer, const EntrySearch& search, Ranking& ranking);
  Result<void> rank_by_features(const Newcomer& newcomer, const EntrySearch& search,
                                Ranking& ranking);
  Result<void> rank_given(const Newcomer& newcomer, const EntrySearch& search, Ranking& ranking);
  [[nodiscard]] bool takes_part(const Newcomer& entry) const;
  [[nodiscard]] LineageSlot& lineage_slot(std::uint64_t lineage);
  [[nodiscard]] FeatureSlot& feature_slot(std::uint32_t feature);

  Options options_;
  const EntryLog* log_;
  Buffer memory_;
  Recent* recents_ = nullptr;
  std::uint64_t recent_count_ = 0;
  LineageSlot* lineages_ = nullptr;
  unsigned lineage_bits_ = 0;
  FeatureSlot* features_ = nullptr;
  unsigned feature_bits_ = 0;
  std::uint64_t next_ = 0;
  std::array<BaseCandidate, kMostCandidates> chosen_;
};

}  // namespace bale
