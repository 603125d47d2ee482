// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The reference is the official hasher over the bytes with every hole filled.
#include "hash/blake_tree.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

#include "testing/blake_reference.h"
#include "testing/matchers.h"

namespace bale {
namespace {

// Small, around a chunk, around the stage, and large ones, all frequent.
std::size_t random_size(BlakeRandom& random, std::size_t limit) {
  static constexpr std::size_t kScales[] = {10, 300, 3000, 2048, 20'000, 40 * kKiB, 200 * kKiB};
  const std::size_t size =
      below(random, 4) == 0 ? kKiB * below(random, 70) : below(random, kScales[below(random, 7)]);
  return std::min(size, limit);
}

// The formula in blake_tree.h.
std::size_t memory_limit(std::uint64_t stream_bytes, std::size_t open_holes) {
  const std::size_t levels = std::bit_width(stream_bytes / 1024);
  return 33 * kKiB + open_holes * 2 * 1152 + 96 * (2 * open_holes + 1) * (levels + 2);
}

TEST(BlakeTreeTest, EveryLengthInOneUpdateEqualsTheOfficialHasher) {
  const std::vector<std::byte> data = seeded_bytes(20'000, 1);
  for (std::size_t size = 0; size <= data.size(); ++size) {
    BlakeTree tree;
    tree.update(Bytes(data).first(size));
    ASSERT_EQ(tree.size(), size);
    ASSERT_EQ(tree.finish(), official_hash(Bytes(data).first(size))) << size;
  }
}

TEST(BlakeTreeTest, LengthsAroundTheStageAndTheRunEqualTheOfficialHasher) {
  const std::vector<std::byte> data = seeded_bytes(400 * kKiB, 2);
  for (const std::size_t chunks :
       {16u, 31u, 32u, 33u, 48u, 64u, 127u, 128u, 129u, 160u, 256u, 300u}) {
    for (const std::size_t size : {chunks * kKiB - 1, chunks * kKiB, chunks * kKiB + 1}) {
      for (const std::size_t first : {std::size_t{0}, std::size_t{1}, std::size_t{16}, size / 2}) {
        BlakeTree tree;
        tree.update(Bytes(data).first(first));
        tree.update(Bytes(data).subspan(first, size - first));
        ASSERT_EQ(tree.finish(), official_hash(Bytes(data).first(size))) << size << " " << first;
      }
    }
  }
}

TEST(BlakeTreeTest, AnySplitOfTheStreamGivesTheSameHash) {
  const std::vector<std::byte> data = seeded_bytes(3 << 20, 3);
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    BlakeRandom random(seed);
    const Bytes stream = Bytes(data).first(data.size() - below(random, 1 << 20));
    BlakeTree tree;
    for (Bytes rest = stream; !rest.empty();) {
      const std::size_t size = random_size(random, rest.size());
      tree.update(rest.first(size));
      rest = rest.subspan(size);
    }
    ASSERT_EQ(tree.finish(), official_hash(stream)) << seed;
  }
}

TEST(BlakeTreeTest, LargeStreamsEqualTheOfficialHasher) {
  const std::vector<std::byte> data = seeded_bytes(64 << 20, 4);
  const Blake3Hash expected = official_hash(data);
  BlakeTree whole;
  whole.update(data);
  EXPECT_EQ(whole.finish(), expected);
  BlakeTree pieces;
  static constexpr std::size_t kPiece = 1'000'003;
  for (Bytes rest = data; !rest.empty(); rest = rest.subspan(std::min(kPiece, rest.size()))) {
    pieces.update(rest.first(std::min(kPiece, rest.size())));
  }
  EXPECT_EQ(pieces.finish(), expected);
}

TEST(BlakeTreeTest, GoesOnAfterFinish) {
  const std::vector<std::byte> data = seeded_bytes(300'000, 5);
  BlakeRandom random(5);
  BlakeTree tree;
  std::size_t done = 0;
  while (done < data.size()) {
    ASSERT_EQ(tree.finish(), official_hash(Bytes(data).first(done))) << done;
    ASSERT_EQ(tree.finish(), official_hash(Bytes(data).first(done))) << done;
    const std::size_t size = random_size(random, data.size() - done);
    tree.update(Bytes(data).subspan(done, size));
    done += size;
  }
  EXPECT_EQ(tree.finish(), official_hash(data));
}

TEST(BlakeTreeTest, AHoleMayBeAllThereIs) {
  const std::vector<std::byte> data = seeded_bytes(64, 6);
  BlakeTree tree;
  const Hole hole = tree.reserve(64);
  EXPECT_EQ(hole.offset, 0u);
  EXPECT_EQ(tree.size(), 64u);
  EXPECT_EQ(tree.open_holes(), 1u);
  tree.fill(hole, data);
  EXPECT_EQ(tree.open_holes(), 0u);
  EXPECT_EQ(tree.finish(), official_hash(data));
}

// At every offset around the edges of chunks 0, 31 (the stage's last) and 32; filled at once, when
// only its first chunk is folded, and when both are.
TEST(BlakeTreeTest, AHoleMayLieAnywhere) {
  const std::vector<std::byte> data = seeded_bytes(120 * kKiB, 7);
  for (const std::size_t edge_chunk : {0u, 1u, 31u, 32u, 33u, 48u}) {
    const std::size_t edge = kKiB * edge_chunk;
    for (std::size_t offset = edge < 66 ? 0 : edge - 66; offset <= edge + 2; ++offset) {
      for (const std::size_t fill_at :
           {offset + 64, edge + 1024, data.size() / 2 + 1, data.size()}) {
        if (fill_at < offset + 64) continue;
        BlakeTree tree;
        tree.update(Bytes(data).first(offset));
        const Hole hole = tree.reserve(64);
        tree.update(Bytes(data).subspan(offset + 64, fill_at - offset - 64));
        tree.fill(hole, Bytes(data).subspan(offset, 64));
        tree.update(Bytes(data).subspan(fill_at));
        ASSERT_EQ(tree.finish(), official_hash(data)) << offset << " filled at " << fill_at;
      }
    }
  }
}

struct HoleOdds {
  std::size_t one_in = 1;       // one step in this many leaves holes
  std::size_t most = 1;         // at most this many in a row
  std::size_t fill_one_in = 1;  // one step in this many fills one
};

// Random pieces and holes, fills in random order while more bytes follow, then the other fills,
// finish, a trailer, finish: a pack's pattern, and all others.
void run_model(std::uint64_t seed, std::size_t stream_bytes, const HoleOdds& odds) {
  BlakeRandom random(seed);
  std::vector<std::byte> stream = seeded_bytes(stream_bytes, seed);
  BlakeTree tree;
  std::vector<Hole> open;
  std::size_t done = 0;
  const auto content = [&](const Hole& hole) {
    return Bytes(stream).subspan(hole.offset, hole.bytes);
  };
  const auto fill_one = [&] {
    std::swap(open[below(random, open.size())], open.back());
    tree.fill(open.back(), content(open.back()));
    open.pop_back();
  };
  while (done < stream.size()) {
    if (below(random, odds.one_in) == 0) {
      for (std::size_t i = 1 + below(random, odds.most); i > 0 && done < stream.size(); --i) {
        const std::size_t bytes = std::min(1 + below(random, 64), stream.size() - done);
        open.push_back(tree.reserve(bytes));
        ASSERT_EQ(open.back().offset, done);
        ASSERT_EQ(open.back().bytes, bytes);
        done += bytes;
      }
    } else {
      const std::size_t size = random_size(random, stream.size() - done);
      tree.update(Bytes(stream).subspan(done, size));
      done += size;
    }
    if (!open.empty() && below(random, odds.fill_one_in) == 0) fill_one();
    ASSERT_EQ(tree.open_holes(), open.size());
    ASSERT_LE(tree.memory_bytes(), memory_limit(tree.size(), open.size() + 8)) << seed;
  }
  while (!open.empty()) fill_one();
  ASSERT_EQ(tree.size(), stream.size());
  const Blake3Hash trailer = tree.finish();
  ASSERT_EQ(trailer, official_hash(stream)) << seed;
  tree.update(trailer);
  stream.insert(stream.end(), trailer.begin(), trailer.end());
  ASSERT_EQ(tree.finish(), official_hash(stream)) << seed;
}

TEST(BlakeTreeTest, FewHolesAnywhereInAnyOrderMakeNoDifference) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    run_model(seed, 1 + seed * seed * 40, {.one_in = 8, .most = 2, .fill_one_in = 8});
  }
}

TEST(BlakeTreeTest, ManyHolesSideBySideMakeNoDifference) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    run_model(1000 + seed, 200'000, {.one_in = 2, .most = 40, .fill_one_in = 1});
  }
}

TEST(BlakeTreeTest, HolesThatStayOpenToTheEndMakeNoDifference) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    run_model(2000 + seed, 400'000, {.one_in = 3, .most = 3, .fill_one_in = 1'000'000});
  }
}

TEST(BlakeTreeTest, OneHoleAtTheStartOfALongStreamKeepsMemoryLogarithmic) {
  const std::vector<std::byte> piece = seeded_bytes(100'000, 8);
  BlakeTree tree;
  tree.update(Bytes(piece).first(8));
  const Hole hole = tree.reserve(8);
  std::size_t peak = 0;
  while (tree.size() < 16 << 20) {
    tree.update(piece);
    tree.update(Bytes(piece).first(300));
    peak = std::max(peak, tree.memory_bytes());
    ASSERT_LE(tree.memory_bytes(), memory_limit(tree.size(), 1)) << tree.size();
  }
  EXPECT_LT(peak, 40 * kKiB);
  tree.fill(hole, Bytes(piece).first(8));
  EXPECT_EQ(tree.open_holes(), 0u);
}

TEST(BlakeFrontierTest, RowHasOneSubtreePerBitOfTheCountAndTheLastOrPerLevelBesideAPendingChunk) {
  const std::vector<std::byte> chunk = seeded_bytes(1024, 9);
  const std::vector<const std::byte*> chunks(100, chunk.data());
  const std::span<const std::byte* const> all(chunks);
  BlakeFrontier row;
  for (std::size_t count = 1; count < 100; ++count) {
    row.push_chunks(all.first(count));
    const auto bits = static_cast<std::size_t>(std::popcount(row.chunk_count()));
    EXPECT_GE(row.subtree_count(), bits);
    EXPECT_LE(row.subtree_count(), bits + 1);
  }
  BlakeFrontier with_pending;
  with_pending.push_pending();
  with_pending.push_chunks(all.first(63));
  EXPECT_EQ(with_pending.subtree_count(), 7u);  // 0, 1, [2 3], [4..7], ... [32..63]
  with_pending.resolve(0, fold_chunk(chunk, 0));
  EXPECT_EQ(with_pending.subtree_count(), 2u);  // [0..31], [32..63]: together they may be the root
  with_pending.push_chunks(all.first(1));
  EXPECT_EQ(with_pending.subtree_count(), 2u);  // [0..63], 64
}

TEST(BlakeTreeTest, AMovedTreeGoesOn) {
  const std::vector<std::byte> data = seeded_bytes(100'000, 10);
  BlakeTree tree;
  const Hole hole = tree.reserve(5);
  tree.update(Bytes(data).subspan(5, 60'000));
  BlakeTree moved = std::move(tree);
  moved.update(Bytes(data).subspan(60'005));
  moved.fill(hole, Bytes(data).first(5));
  EXPECT_EQ(moved.finish(), official_hash(data));
}

TEST(BlakeTreeDeathTest, UsingAHoleWronglyStopsTheProgram) {
  const std::vector<std::byte> data = seeded_bytes(65, 11);
  BlakeTree tree;
  EXPECT_DEATH(static_cast<void>(tree.reserve(0)), "kMaxHoleBytes");
  EXPECT_DEATH(static_cast<void>(tree.reserve(65)), "kMaxHoleBytes");
  const Hole hole = tree.reserve(8);
  EXPECT_DEATH(static_cast<void>(tree.finish()), "holes_.empty");
  EXPECT_DEATH(tree.fill(hole, Bytes(data).first(7)), "bytes");
  EXPECT_DEATH(tree.fill(hole, Bytes(data).first(9)), "bytes");
  EXPECT_DEATH(tree.fill({.offset = 1, .bytes = 8}, Bytes(data).first(8)), "offset");
  EXPECT_DEATH(tree.fill({.offset = 0, .bytes = 7}, Bytes(data).first(7)), "bytes");
  tree.fill(hole, Bytes(data).first(8));
  EXPECT_DEATH(tree.fill(hole, Bytes(data).first(8)), "offset");
}

}  // namespace
}  // namespace bale
