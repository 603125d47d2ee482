// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The reference is the official hasher over the bytes with every hole filled.
#include "hash/blake_span.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

#include "base/lanes.h"
#include "hash/blake_tree.h"
#include "testing/blake_reference.h"
#include "testing/matchers.h"

namespace bale {
namespace {

void update_with_span(BlakeTree& tree, Bytes data) {
  tree.update(data, BlakeSpan::of(tree.size(), data));
}

TEST(BlakeSpanTest, EveryEdgeAroundAChunkGivesTheSameHash) {
  const std::vector<std::byte> data = seeded_bytes(12 * kKiB, 1);
  static constexpr std::size_t kEdges[] = {0, 1, 2, 511, 1022, 1023};
  for (std::size_t chunk = 0; chunk < 4; ++chunk) {
    for (const std::size_t in_chunk : kEdges) {
      const std::size_t begin = chunk * kKiB + in_chunk;
      for (std::size_t chunks = 0; chunks < 5; ++chunks) {
        for (const std::size_t more : kEdges) {
          const std::size_t size = chunks * kKiB + more;
          BlakeTree tree;
          tree.update(Bytes(data).first(begin));
          update_with_span(tree, Bytes(data).subspan(begin, size));
          ASSERT_EQ(tree.size(), begin + size);
          ASSERT_EQ(tree.finish(), official_hash(Bytes(data).first(begin + size)))
              << begin << " + " << size;
          update_with_span(tree, Bytes(data).subspan(begin + size));
          ASSERT_EQ(tree.finish(), official_hash(data)) << begin << " + " << size;
        }
      }
    }
  }
}

TEST(BlakeSpanTest, EveryLengthInOneSpanEqualsTheOfficialHasher) {
  const std::vector<std::byte> data = seeded_bytes(20'000, 2);
  for (std::size_t size = 0; size <= data.size(); ++size) {
    BlakeTree tree;
    update_with_span(tree, Bytes(data).first(size));
    ASSERT_EQ(tree.finish(), official_hash(Bytes(data).first(size))) << size;
  }
}

TEST(BlakeSpanTest, SpansLongerThanARunOfTheKernelsStartAtAnyChunk) {
  const std::vector<std::byte> data = seeded_bytes(1 << 20, 3);
  for (const std::size_t begin : {0u, 1u, 127u, 128u, 129u, 200u, 255u}) {
    for (const std::size_t chunks : {127u, 128u, 129u, 256u, 400u, 700u}) {
      for (const std::size_t more : {std::size_t{0}, std::size_t{1}, std::size_t{1000}}) {
        const std::size_t end = (begin + chunks) * kKiB + more;
        BlakeTree tree;
        tree.update(Bytes(data).first(begin * kKiB));
        update_with_span(tree, Bytes(data).subspan(begin * kKiB, end - begin * kKiB));
        ASSERT_EQ(tree.finish(), official_hash(Bytes(data).first(end))) << begin << " + " << chunks;
        tree.update(Bytes(data).subspan(end));
        ASSERT_EQ(tree.finish(), official_hash(data)) << begin << " + " << chunks;
      }
    }
  }
}

// Pieces with and without a span, holes between them, filled in random order; then finish, a
// trailer, finish, as for a pack.
void run_model(std::uint64_t seed, std::size_t stream_bytes, std::size_t hole_one_in,
               std::size_t fill_one_in) {
  BlakeRandom random(seed);
  std::vector<std::byte> stream = seeded_bytes(stream_bytes, seed);
  BlakeTree tree;
  std::vector<Hole> open;
  const auto fill_one = [&] {
    std::swap(open[below(random, open.size())], open.back());
    tree.fill(open.back(), Bytes(stream).subspan(open.back().offset, open.back().bytes));
    open.pop_back();
  };
  while (tree.size() < stream.size()) {
    const std::size_t left = stream.size() - tree.size();
    static constexpr std::size_t kScales[] = {3, 70, 1100, 2100, 5000, 40'000, 300'000};
    const std::size_t size = std::min(below(random, kScales[below(random, 7)]), left);
    const Bytes piece = Bytes(stream).subspan(tree.size(), size);
    if (below(random, hole_one_in) == 0) {
      open.push_back(tree.reserve(std::min(1 + below(random, 64), left)));
    } else if (below(random, 3) == 0) {
      tree.update(piece);
    } else {
      update_with_span(tree, piece);
    }
    if (!open.empty() && below(random, fill_one_in) == 0) fill_one();
    const std::size_t levels = std::bit_width(tree.size() / kKiB);
    ASSERT_LE(tree.memory_bytes(), 33 * kKiB + (open.size() + 8) * 2 * 1152 +
                                       96 * (2 * (open.size() + 8) + 1) * (levels + 2));
  }
  while (!open.empty()) fill_one();
  const Blake3Hash trailer = tree.finish();
  ASSERT_EQ(trailer, official_hash(stream)) << seed;
  update_with_span(tree, trailer);
  stream.insert(stream.end(), trailer.begin(), trailer.end());
  ASSERT_EQ(tree.finish(), official_hash(stream)) << seed;
}

TEST(BlakeSpanTest, PiecesWithAndWithoutSpansMixWithHolesFilledSoon) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) run_model(seed, 1 + seed * seed * 30, 4, 4);
}

TEST(BlakeSpanTest, PiecesWithAndWithoutSpansMixWithHolesFilledLast) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) run_model(1000 + seed, 400'000, 3, 1'000'000);
}

TEST(BlakeSpanTest, PiecesWithAndWithoutSpansMixWithManyHoles) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) run_model(2000 + seed, 200'000, 2, 2);
}

// A hole across the last chunk before a span and its first, at every offset.
TEST(BlakeSpanTest, AHoleMayTouchASpanOnEitherSide) {
  const std::vector<std::byte> data = seeded_bytes(100 * kKiB, 4);
  for (std::size_t begin = 40 * kKiB - 66; begin <= 40 * kKiB + 2; ++begin) {
    for (const std::size_t end : {begin + 64 + 900, 50 * kKiB - 10, 50 * kKiB + 1}) {
      BlakeTree tree;
      tree.update(Bytes(data).first(begin));
      const Hole before = tree.reserve(64);
      update_with_span(tree, Bytes(data).subspan(begin + 64, end - begin - 64));
      const Hole after = tree.reserve(64);
      update_with_span(tree, Bytes(data).subspan(end + 64));
      tree.fill(after, Bytes(data).subspan(after.offset, 64));
      tree.fill(before, Bytes(data).subspan(before.offset, 64));
      ASSERT_EQ(tree.finish(), official_hash(data)) << begin << " .. " << end;
    }
  }
}

TEST(BlakeSpanTest, SeveralThreadsHashOneStream) {
  constexpr std::size_t kBlocks = 40;
  const std::vector<std::byte> data = seeded_bytes(8 << 20, 5);
  std::array<std::size_t, kBlocks + 1> edges{};
  BlakeRandom random(5);
  for (std::size_t& edge : edges) edge = 16 + below(random, data.size() - 16);
  edges.front() = 16;
  edges.back() = data.size();
  std::sort(edges.begin(), edges.end());
  std::array<BlakeSpan, kBlocks> spans;
  {
    Lanes lanes(3);
    for (std::size_t i = 0; i < kBlocks; ++i) {
      lanes.post([&, i](std::size_t) {
        spans[i] = BlakeSpan::of(edges[i], Bytes(data).subspan(edges[i], edges[i + 1] - edges[i]));
      });
    }
  }
  BlakeTree tree;
  tree.update(Bytes(data).first(8));
  const Hole count = tree.reserve(8);
  for (const BlakeSpan& span : spans) {
    tree.update(Bytes(data).subspan(span.stream_offset(), span.size_bytes()), span);
  }
  tree.fill(count, Bytes(data).subspan(8, 8));
  EXPECT_EQ(tree.finish(), official_hash(data));
}

TEST(BlakeSpanDeathTest, ASpanOfAnotherPlaceOrLengthStopsTheProgram) {
  const std::vector<std::byte> data = seeded_bytes(5000, 6);
  BlakeTree tree;
  const BlakeSpan span = BlakeSpan::of(0, data);
  EXPECT_DEATH(tree.update(Bytes(data).first(4999), span), "size_bytes_");
  tree.update(data, span);
  EXPECT_DEATH(tree.update(data, span), "stream_offset_");
}

TEST(BlakeFrontierDeathTest, AppendingWhatDoesNotFollowStopsTheProgram) {
  const std::vector<std::byte> data = seeded_bytes(4 * kKiB, 7);
  BlakeFrontier row;
  row.push_chunks(Bytes(data));
  BlakeFrontier elsewhere(5);
  elsewhere.push_chunks(Bytes(data));
  EXPECT_DEATH(row.append(elsewhere), "chunk_count_");
  BlakeFrontier open(4);
  open.push_pending();
  EXPECT_DEATH(row.append(open), "pending");
  EXPECT_DEATH(row.push_chunks(Bytes(data).first(1023)), "kBlakeChunkBytes");
}

}  // namespace
}  // namespace bale
