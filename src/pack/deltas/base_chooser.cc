// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/deltas/base_chooser.h"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <utility>

#include "base/check.h"
#include "base/try.h"
#include "format/entry.h"

namespace bale {
namespace {

constexpr std::uint64_t kWindow = 16;        // entries of the stream
constexpr std::uint64_t kLineageSteps = 16;  // versions
constexpr std::uint64_t kReach = 4096;       // so long an entry is recent

// A smaller object costs more in the header of a delta than it can save.
constexpr std::uint64_t kLeastObjectBytes = 64;

// So many features of an entry go into the table: more find little more, and push out others.
constexpr std::size_t kTableFeatures = 6;

// Scores. A common feature counts kFeatureScore; each entry in between costs one point, up to the
// window's; and depth costs little at first and about a feature in the end.
constexpr int kFeatureScore = 32;
constexpr int kUsesScore = 400;

// What does not lie within so many bytes will have to be read back, by us and by readers: it costs
// as much as decoding its whole chain.
constexpr std::uint64_t kNearBytes = 8 << 20;
constexpr int kMostFarDepth = 12;
constexpr int kFarScore = 4 * kFeatureScore;

// Without a feature in common a neighbour is not worth a try, unless it is of the same lineage.
constexpr unsigned kLeastCommon = 1;

// How much of what is allowed is used by an object that is so deep, in 256ths.
constexpr std::size_t kMostUses = 256;

std::size_t uses_of(int depth, std::uint64_t rebuild_bytes, std::uint64_t size) {
  const std::uint64_t deep = static_cast<std::uint64_t>(depth) * 256 / kMaxWrittenDepth;
  const std::uint64_t heavy =
      (rebuild_bytes * 256 + most_rebuild_bytes(size) - 1) / most_rebuild_bytes(size);
  return std::max(deep, heavy);
}

// What that costs in the ranking.
int uses_score(std::size_t uses) {
  return static_cast<int>(uses * uses) * kUsesScore / (256 * 256);
}

// Of each lineage the newest entries are kept in mind that use less than so much.
constexpr std::array<std::size_t, 3> kAnchorUses = {48, 96, 144};

}  // namespace

// The best so far, best first.
struct BaseChooser::Ranking {
  std::array<Scored, kMostCandidates> best;
  std::size_t count = 0;
  std::size_t given = 0;  // those in front, which stay there

  void add(const Scored& scored) {
    for (std::size_t i = 0; i < count; ++i) {
      if (best[i].candidate.entry == scored.candidate.entry) return;
    }
    std::size_t at = count;
    while (at > given && best[at - 1].score < scored.score) --at;
    if (at == best.size()) return;
    if (count < best.size()) ++count;
    for (std::size_t i = count - 1; i > at; --i) best[i] = best[i - 1];
    best[at] = scored;
  }

  void add_given(const Scored& scored) {
    add(scored);
    given = count;
  }
};

std::uint64_t BaseChooser::memory_bytes(const Options& options) {
  const std::uint64_t recents = std::max(kReach, options.least_recent);
  return recents * sizeof(Recent) + std::bit_floor(options.table_bytes);
}

Result<BaseChooser> BaseChooser::create(Budget& budget, const Options& options,
                                        const EntryLog& log) {
  return BaseChooser(options, log,
                     TRY(Buffer::allocate(budget, memory_bytes(options), "choosing bases")));
}

// Of the tables half is for lineages, half for features; the numbers of slots are powers of two.
BaseChooser::BaseChooser(const Options& options, const EntryLog& log, Buffer memory)
    : options_(options), log_(&log), memory_(std::move(memory)) {
  recent_count_ = std::max(kReach, options.least_recent);
  const std::uint64_t table_bytes = std::bit_floor(options.table_bytes);
  CHECK(table_bytes >= 1024);
  recents_ = reinterpret_cast<Recent*>(memory_.data());
  std::uninitialized_default_construct_n(recents_, recent_count_);
  lineages_ = reinterpret_cast<LineageSlot*>(recents_ + recent_count_);
  const std::uint64_t lineage_count = std::bit_floor(table_bytes / 2 / sizeof(LineageSlot));
  lineage_bits_ = static_cast<unsigned>(std::countr_zero(lineage_count));
  features_ = reinterpret_cast<FeatureSlot*>(lineages_ + lineage_count);
  const std::uint64_t feature_count = table_bytes / 2 / sizeof(FeatureSlot);
  feature_bits_ = static_cast<unsigned>(std::countr_zero(feature_count));
}

bool BaseChooser::is_recent(std::uint64_t entry) const {
  return entry < next_ && next_ - entry <= kReach;
}

BaseChooser::LineageSlot& BaseChooser::lineage_slot(std::uint64_t lineage) {
  return lineages_[(lineage * 0x9E3779B97F4A7C15u) >> (64 - lineage_bits_)];
}

BaseChooser::FeatureSlot& BaseChooser::feature_slot(std::uint32_t feature) {
  return features_[feature >> (32 - feature_bits_)];
}

// Nothing where a delta against it would be too deep, or take too long to rebuild.
std::optional<BaseCandidate> BaseChooser::recent_candidate(const Newcomer& newcomer,
                                                           std::uint64_t entry) {
  const Recent& base = recent(entry);
  if (!base.may_be_base || base.type != newcomer.type || base.id == newcomer.id)
    return std::nullopt;
  const std::size_t uses =
      uses_of(base.depth + 1, newcomer.size + base.rebuild_bytes, newcomer.size);
  if (uses > kMostUses) return std::nullopt;
  return BaseCandidate{.entry = entry,
                       .depth = base.depth,
                       .rebuild_bytes = base.rebuild_bytes,
                       .uses = uses,
                       .ring_at = base.ring_at,
                       .id = base.id,
                       .size = base.size};
}

// The log has what was committed; what may not be yet is among the last ones.
Result<LoggedEntry> BaseChooser::old_entry(std::uint64_t entry) const {
  if (next_ - entry > recent_count_) return log_->at(entry);
  const Recent& recent = recents_[entry % recent_count_];
  return LoggedEntry{.size = recent.size,
                     .rebuild_bytes = recent.rebuild_bytes,
                     .depth = recent.depth,
                     .type = recent.type};
}

Result<std::optional<BaseCandidate>> BaseChooser::old_candidate(const Newcomer& newcomer,
                                                                std::uint64_t entry) const {
  const LoggedEntry base = TRY(old_entry(entry));
  const std::size_t uses =
      uses_of(base.depth + 1, newcomer.size + base.rebuild_bytes, newcomer.size);
  if (base.type != newcomer.type || base.size < kLeastObjectBytes ||
      base.size > options_.most_object_bytes || uses > kMostUses) {
    return std::nullopt;
  }
  return BaseCandidate{
      .entry = entry, .depth = base.depth, .rebuild_bytes = base.rebuild_bytes, .uses = uses};
}

void BaseChooser::rank_recent(const Newcomer& newcomer, const EntrySearch& search,
                              std::uint64_t entry, Ranking& ranking) {
  const std::optional<BaseCandidate> candidate = recent_candidate(newcomer, entry);
  if (!candidate) return;
  const Recent& base = recent(entry);
  const unsigned common = common_features(base.sketch, search.sketch);
  const bool same_lineage = search.hints.lineage != 0 && base.lineage == search.hints.lineage;
  if (common < kLeastCommon && !same_lineage) return;
  const std::uint64_t age = std::min(next_ - entry, kWindow);
  int score = static_cast<int>(common) * kFeatureScore - static_cast<int>(age) -
              uses_score(candidate->uses);
  if (newcomer.bytes_before - base.bytes_before > kNearBytes) score -= kFarScore;
  ranking.add({.score = score, .candidate = *candidate});
}

Result<void> BaseChooser::rank_old(const Newcomer& newcomer, std::uint64_t entry, unsigned common,
                                   Ranking& ranking) {
  const std::optional<BaseCandidate> candidate = TRY(old_candidate(newcomer, entry));
  if (!candidate || candidate->depth > kMostFarDepth) return {};
  const int score = static_cast<int>(common) * kFeatureScore - static_cast<int>(kWindow) -
                    uses_score(candidate->uses) - kFarScore;
  ranking.add({.score = score, .candidate = *candidate});
  return {};
}

void BaseChooser::rank_window(const Newcomer& newcomer, const EntrySearch& search,
                              Ranking& ranking) {
  const std::uint64_t first = next_ - std::min(next_, kWindow);
  for (std::uint64_t entry = next_; entry-- > first;) {
    rank_recent(newcomer, search, entry, ranking);
  }
}

// A version that is not in the window, which has been ranked.
Result<void> BaseChooser::rank_version(const Newcomer& newcomer, const EntrySearch& search,
                                       std::uint64_t entry, Ranking& ranking) {
  if (next_ - entry <= kWindow) return {};
  if (!is_recent(entry)) return rank_old(newcomer, entry, Sketch::kMostFeatures / 2, ranking);
  rank_recent(newcomer, search, entry, ranking);
  return {};
}

Result<void> BaseChooser::rank_lineage(const Newcomer& newcomer, const EntrySearch& search,
                                       Ranking& ranking) {
  const LineageSlot& slot = lineage_slot(search.hints.lineage);
  if (slot.lineage != search.hints.lineage) return {};
  std::uint64_t entry = slot.last;
  for (std::uint64_t i = 0; i < kLineageSteps; ++i) {
    TRY(rank_version(newcomer, search, entry, ranking));
    if (!is_recent(entry) || recent(entry).previous == kNone) break;
    entry = recent(entry).previous;
  }
  for (const std::uint64_t anchor : slot.anchors) {
    TRY(rank_version(newcomer, search, anchor, ranking));
  }
  return {};
}

// The two entries that the table names most often.
Result<void> BaseChooser::rank_by_features(const Newcomer& newcomer, const EntrySearch& search,
                                           Ranking& ranking) {
  struct Vote {
    std::uint64_t entry = 0;
    unsigned count = 0;
  };

  std::array<Vote, kTableFeatures> votes;
  std::size_t vote_count = 0;
  for (std::size_t i = 0; i < kTableFeatures && search.sketch.features[i] != 0; ++i) {
    const FeatureSlot& slot = feature_slot(search.sketch.features[i]);
    if (slot.feature != search.sketch.features[i]) continue;
    const std::uint64_t back = static_cast<std::uint32_t>(next_) - slot.last;
    const std::uint64_t entry = next_ - static_cast<std::uint32_t>(back);
    if (next_ - entry <= kWindow || entry >= next_) continue;
    std::size_t at = 0;
    while (at < vote_count && votes[at].entry != entry) ++at;
    if (at == vote_count) votes[vote_count++] = {.entry = entry, .count = 0};
    ++votes[at].count;
  }
  const auto end = votes.begin() + static_cast<std::ptrdiff_t>(vote_count);
  for (int round = 0; round < 2; ++round) {
    const auto most = std::max_element(votes.begin(), end, [](const Vote& a, const Vote& b) {
      return a.count != b.count ? a.count < b.count : a.entry < b.entry;
    });
    if (most == end || most->count == 0) break;
    const Vote vote = *most;
    most->count = 0;
    if (is_recent(vote.entry)) {
      rank_recent(newcomer, search, vote.entry, ranking);
    } else {
      const unsigned common =
          vote.count * static_cast<unsigned>(Sketch::kMostFeatures / kTableFeatures);
      TRY(rank_old(newcomer, vote.entry, common, ranking));
    }
  }
  return {};
}

Result<void> BaseChooser::rank_given(const Newcomer& newcomer, const EntrySearch& search,
                                     Ranking& ranking) {
  for (std::size_t i = 0; i < search.hints.given_count; ++i) {
    const std::uint64_t entry = search.hints.given[i];
    if (entry >= next_) continue;
    const std::optional<BaseCandidate> candidate =
        is_recent(entry) ? recent_candidate(newcomer, entry) : TRY(old_candidate(newcomer, entry));
    if (candidate) ranking.add_given({.candidate = *candidate});
  }
  return {};
}

bool BaseChooser::takes_part(const Newcomer& entry) const {
  return entry.id.kind() == IdKind::kContentHash && entry.size >= kLeastObjectBytes &&
         entry.size <= options_.most_object_bytes;
}

Result<std::span<BaseCandidate>> BaseChooser::candidates(const Newcomer& entry,
                                                         const EntrySearch& search) {
  Ranking ranking;
  if (takes_part(entry)) {
    TRY(rank_given(entry, search, ranking));
    rank_window(entry, search, ranking);
    if (search.hints.lineage != 0) TRY(rank_lineage(entry, search, ranking));
    TRY(rank_by_features(entry, search, ranking));
  }
  for (std::size_t i = 0; i < ranking.count; ++i) chosen_[i] = ranking.best[i].candidate;
  return std::span<BaseCandidate>(chosen_).first(ranking.count);
}

void BaseChooser::remember(const Newcomer& newcomer, EntrySearch& search,
                           const BaseCandidate* base) {
  search.type = newcomer.type;
  search.depth = base != nullptr ? base->depth + 1 : 0;
  search.rebuild_bytes = newcomer.size + (base != nullptr ? base->rebuild_bytes : 0);
  if (!takes_part(newcomer)) return skip();
  Recent& mine = recent(next_);
  mine = {.id = newcomer.id,
          .type = newcomer.type,
          .may_be_base = true,
          .depth = search.depth,
          .size = newcomer.size,
          .rebuild_bytes = search.rebuild_bytes,
          .ring_at = newcomer.ring_at,
          .bytes_before = newcomer.bytes_before,
          .lineage = search.hints.lineage,
          .sketch = search.sketch};
  if (search.hints.lineage != 0) {
    LineageSlot& slot = lineage_slot(search.hints.lineage);
    if (slot.lineage == search.hints.lineage) {
      mine.previous = slot.last;
    } else {
      slot.lineage = search.hints.lineage;
      slot.anchors.fill(next_);
    }
    slot.last = next_;
    const std::size_t uses = uses_of(search.depth, search.rebuild_bytes, newcomer.size);
    for (std::size_t i = 0; i < kAnchors; ++i) {
      if (uses < kAnchorUses[i]) slot.anchors[i] = next_;
    }
  }
  for (std::size_t i = 0; i < kTableFeatures && search.sketch.features[i] != 0; ++i) {
    feature_slot(search.sketch.features[i]) = {.feature = search.sketch.features[i],
                                               .last = static_cast<std::uint32_t>(next_)};
  }
  ++next_;
}

}  // namespace bale
