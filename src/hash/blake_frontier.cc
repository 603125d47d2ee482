// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// How a run of chunks becomes few subtrees: hash_many turns all chunks into chaining values, then
// all pairs of these into their parents, and so on up, so that the wide kernels compute most
// parents too. A value at the run's edge whose sibling is outside the run drops out. Chunks 1..12:
//
//   level 0    1  2  3  4  5  6  7  8  9 10 11 12      out: 1 on the left, 12 on the right
//   level 1      [2  3][4  5][6  7][8  9][10 11]       out: [2 3] on the left
//   level 2            [4..      7][8..      11]       out: [4..7] on the left, [8..11] on the
//   right
//
// Those on the left are emitted in stream order, those on the right in reverse. If the run is one
// subtree and the first one of the row, its two halves are pushed instead: it may be the root,
// which needs another flag.
#include "hash/blake_frontier.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"

namespace bale {

bool BlakeFrontier::can_merge(const Subtree& left, const Subtree& right) {
  return left.level == right.level && left.is_left_child() && !left.pending && !right.pending;
}

BlakeFrontier::Subtree BlakeFrontier::merged(const Subtree& left, const Subtree& right) {
  return {.first_chunk = left.first_chunk,
          .level = static_cast<std::uint8_t>(left.level + 1),
          .pending = false,
          .value = fold_parent(left.value, right.value)};
}

void BlakeFrontier::push(const Subtree& subtree) {
  while (row_.size() >= 2 && can_merge(row_.end()[-2], row_.end()[-1])) {
    const Subtree parent = merged(row_.end()[-2], row_.end()[-1]);
    row_.pop_back();
    row_.back() = parent;
  }
  row_.push_back(subtree);
}

void BlakeFrontier::push_chunks(std::span<const std::byte* const> chunks) {
  CHECK(chunks.size() <= kMaxRunChunks);
  ChainingValue buffers[2][kMaxRunChunks];
  std::span<ChainingValue> values(buffers[0], chunks.size());
  fold_chunks(chunks, chunk_count_, values);

  std::array<Subtree, 8> right_edge;  // at most one a level: a run has at most 2^7 chunks
  std::size_t right_edge_count = 0;
  std::uint64_t position = chunk_count_;  // of values[0] in its level
  for (std::uint8_t level = 0; !values.empty(); ++level) {
    const auto subtree_at = [&](std::size_t i) {
      return Subtree{.first_chunk = (position + i) << level, .level = level, .value = values[i]};
    };
    if (position % 2 == 1) {
      push(subtree_at(0));
      values = values.subspan(1);
      ++position;
    }
    if (values.size() == 2 && row_.empty() && right_edge_count == 0) {
      push(subtree_at(0));
      push(subtree_at(1));
      break;
    }
    if (values.size() % 2 == 1) {
      right_edge[right_edge_count++] = subtree_at(values.size() - 1);
      values = values.first(values.size() - 1);
    }
    const std::span<ChainingValue> parents(buffers[(level + 1) % 2], values.size() / 2);
    fold_parents(values, parents);
    values = parents;
    position /= 2;
  }
  while (right_edge_count > 0) push(right_edge[--right_edge_count]);
  chunk_count_ += chunks.size();
}

void BlakeFrontier::push_chunks(Bytes chunks) {
  CHECK(chunks.size() % kBlakeChunkBytes == 0);
  // The first run ends where all others begin: at a multiple of the longest run.
  std::size_t run_chunks = kMaxRunChunks - chunk_count_ % kMaxRunChunks;
  const std::byte* run[kMaxRunChunks];
  while (!chunks.empty()) {
    run_chunks = std::min(run_chunks, chunks.size() / kBlakeChunkBytes);
    for (std::size_t i = 0; i < run_chunks; ++i) run[i] = chunks.data() + i * kBlakeChunkBytes;
    push_chunks({run, run_chunks});
    chunks = chunks.subspan(run_chunks * kBlakeChunkBytes);
    run_chunks = kMaxRunChunks;
  }
}

void BlakeFrontier::append(const BlakeFrontier& next) {
  if (next.row_.empty()) return;
  CHECK(next.row_.front().first_chunk == chunk_count_);
  for (const Subtree& subtree : next.row_) {
    CHECK(!subtree.pending);
    push(subtree);
  }
  chunk_count_ = next.chunk_count_;
}

void BlakeFrontier::push_pending() {
  push({.first_chunk = chunk_count_, .level = 0, .pending = true});
  ++chunk_count_;
}

void BlakeFrontier::resolve(std::uint64_t chunk_number, const ChainingValue& value) {
  auto first = std::lower_bound(
      row_.begin(), row_.end(), chunk_number,
      [](const Subtree& subtree, std::uint64_t number) { return subtree.first_chunk < number; });
  CHECK(first != row_.end() && first->first_chunk == chunk_number && first->pending);
  Subtree grown = *first;
  grown.pending = false;
  grown.value = value;
  // `grown` replaces [first, end), which one erase removes. The row's last subtree merges at the
  // next push.
  auto end = std::next(first);
  const auto last = std::prev(row_.end());
  while (end <= last) {
    if (end != last && can_merge(grown, *end)) {
      grown = merged(grown, *end++);
    } else if (first != row_.begin() && can_merge(*std::prev(first), grown)) {
      grown = merged(*--first, grown);
    } else {
      break;
    }
  }
  *first = grown;
  row_.erase(std::next(first), end);
}

void BlakeFrontier::push_last_chunk(Bytes chunk) {
  push({.first_chunk = chunk_count_, .level = 0, .value = fold_chunk(chunk, chunk_count_)});
  ++chunk_count_;
}

ChainingValue BlakeFrontier::root() const {
  CHECK(row_.size() >= 2);
  CHECK(std::none_of(row_.begin(), row_.end(), [](const Subtree& s) { return s.pending; }));
  ChainingValue right = row_.back().value;
  for (std::size_t i = row_.size() - 2; i > 0; --i) right = fold_parent(row_[i].value, right);
  return fold_root_parent(row_[0].value, right);
}

}  // namespace bale
