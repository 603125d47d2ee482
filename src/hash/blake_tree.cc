// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// BLAKE3 is a tree (the BLAKE3 paper, section 2): each chunk of 1024 bytes is hashed to a chaining
// value of 32 bytes, and pairs of values to their parent's, up to the root. So a chunk with unknown
// bytes delays only its log2(n) ancestors.
//
//      folded: a row of subtrees                          staged: bytes
//
//             .---[8..15]---.     .--[18 19]--.
//   [0..7]    |             |  16 | 17p       |  ...     20 ... 20 + 31, the last one short or
//   whole known        known      known   pending  known       may have holes
//
// Bytes are gathered in the stage, 32 chunks. When it overflows, the staged chunks are folded,
// together with as many of the caller's chunks, in place, as make a multiple of 16; 16 is the
// widest kernel's number of lanes. The kernels take pointers, so the two mix; and the row ends at a
// multiple of 16, so runs of chunks pair up without remainders for four levels. (After a BlakeSpan,
// whose subtrees go to the row unchanged, it may end anywhere; the next run realigns it.)
//
// Only the last compression, the root's, carries the ROOT flag, and it is known only at the end. So
// staged bytes are folded when more arrive, and the row merges one push late: merged subtrees
// always have a successor. (The C library does the same.) A stream of one chunk is entirely in the
// stage. finish() folds a copy of the row with the staged bytes and changes nothing, so bytes may
// follow.
//
// A hole is zero bytes in the stage until it is filled. If its chunk is folded before that, the
// chunk is copied and its place in the row is marked pending: its sibling, the parent's sibling and
// so on stay in the row, unmerged. Filling its last hole gives the chunk its value, and merging
// continues up to the next pending one. A hole may span two chunks, one folded and the other still
// staged, and several holes may share a chunk: a pending chunk counts them.
#include "hash/blake_tree.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "hash/blake_kernels.h"

namespace bale {
namespace {

// Runs start and end at multiples of this, the widest kernel's lanes.
constexpr std::size_t kLaneChunks = 16;

constexpr std::size_t kStageChunks = BlakeTree::kStageBytes / kBlakeChunkBytes;
static_assert(kStageChunks % kLaneChunks == 0);

// Collects chunks for the frontier, so that the kernels get many at once.
class Run {
 public:
  explicit Run(BlakeFrontier& frontier) : frontier_(frontier) {}

  void add(const std::byte* chunk) {
    chunks_[count_++] = chunk;
    if (count_ == BlakeFrontier::kMaxRunChunks) push();
  }

  void push() {
    if (count_ > 0) frontier_.push_chunks({chunks_, count_});
    count_ = 0;
  }

 private:
  BlakeFrontier& frontier_;
  const std::byte* chunks_[BlakeFrontier::kMaxRunChunks] = {};
  std::size_t count_ = 0;
};

std::uint64_t end_of(const Hole& hole) {
  return hole.offset + hole.bytes;
}

}  // namespace

BlakeTree::BlakeTree() : stage_(std::make_unique_for_overwrite<std::byte[]>(kStageBytes)) {
  detect_blake3_cpu();
}

void BlakeTree::update(Bytes data) {
  std::size_t staged = staged_bytes();
  if (data.size() > kStageBytes - staged) {
    // More than the stage holds, so all staged chunks are folded, at least two.
    const std::size_t foldable_chunks = (staged + data.size()) / kBlakeChunkBytes;
    const std::size_t completing =
        (kBlakeChunkBytes - staged % kBlakeChunkBytes) % kBlakeChunkBytes;
    if (completing > 0) std::memcpy(stage_.get() + staged, data.data(), completing);
    const std::size_t staged_chunks = (staged + completing) / kBlakeChunkBytes;
    const std::size_t odd_chunks = (frontier_.chunk_count() + foldable_chunks) % kLaneChunks;
    const std::size_t chunk_count = std::max(foldable_chunks - odd_chunks, staged_chunks);
    const std::size_t direct = (chunk_count - staged_chunks) * kBlakeChunkBytes;
    fold_stage(staged_chunks, data.subspan(completing, direct));
    size_ += completing + direct;
    data = data.subspan(completing + direct);
    staged = 0;
  }
  if (!data.empty()) std::memcpy(stage_.get() + staged, data.data(), data.size());
  size_ += data.size();
}

void BlakeTree::update(Bytes data, const BlakeSpan& span) {
  CHECK(span.stream_offset_ == size_ && span.size_bytes_ == data.size());
  if (span.folded_bytes_ == 0) return update(data);
  // The head ends a chunk, so it fits into the stage.
  const std::size_t staged = staged_bytes();
  std::memcpy(stage_.get() + staged, data.data(), span.head_bytes_);
  fold_stage((staged + span.head_bytes_) / kBlakeChunkBytes, {});
  frontier_.append(span.chunks_);
  const Bytes tail = data.subspan(span.head_bytes_ + span.folded_bytes_);
  std::memcpy(stage_.get(), tail.data(), tail.size());
  size_ += data.size();
}

// Folds the stage's first `chunk_count` chunks and then the caller's.
void BlakeTree::fold_stage(std::size_t chunk_count, Bytes caller_chunks) {
  const bool has_holes = !holes_.empty() && end_of(holes_.back()) > stage_offset();
  const std::uint64_t first_chunk = frontier_.chunk_count();
  Run run(frontier_);
  for (std::size_t i = 0; i < chunk_count; ++i) {
    const std::byte* chunk = stage_.get() + i * kBlakeChunkBytes;
    const std::size_t open_holes = has_holes ? open_holes_in_chunk(first_chunk + i) : 0;
    if (open_holes == 0) {
      run.add(chunk);
    } else {
      run.push();
      keep_pending(chunk, open_holes);
    }
  }
  for (; !caller_chunks.empty(); caller_chunks = caller_chunks.subspan(kBlakeChunkBytes)) {
    run.add(caller_chunks.data());
  }
  run.push();
}

std::size_t BlakeTree::open_holes_in_chunk(std::uint64_t chunk_number) const {
  const std::uint64_t begin = chunk_number * kBlakeChunkBytes;
  const auto first = std::partition_point(holes_.begin(), holes_.end(),
                                          [&](const Hole& hole) { return end_of(hole) <= begin; });
  const auto last = std::partition_point(first, holes_.end(), [&](const Hole& hole) {
    return hole.offset < begin + kBlakeChunkBytes;
  });
  return static_cast<std::size_t>(last - first);
}

void BlakeTree::keep_pending(const std::byte* chunk, std::size_t open_holes) {
  PendingChunk& pending = pending_[frontier_.chunk_count()];
  pending.open_holes = open_holes;
  std::memcpy(pending.bytes.data(), chunk, kBlakeChunkBytes);
  frontier_.push_pending();
}

Hole BlakeTree::reserve(std::size_t bytes) {
  CHECK(bytes >= 1 && bytes <= kMaxHoleBytes);
  static constexpr std::byte kZeros[kMaxHoleBytes] = {};
  const Hole hole{.offset = size_, .bytes = bytes};
  // First the hole, then the bytes: they may push the hole's first chunk out of the stage.
  holes_.push_back(hole);
  update({kZeros, bytes});
  return hole;
}

void BlakeTree::fill(const Hole& hole, Bytes data) {
  const auto open =
      std::lower_bound(holes_.begin(), holes_.end(), hole.offset,
                       [](const Hole& h, std::uint64_t offset) { return h.offset < offset; });
  CHECK(open != holes_.end() && open->offset == hole.offset);
  CHECK(open->bytes == hole.bytes && hole.bytes == data.size());
  holes_.erase(open);
  std::uint64_t offset = hole.offset;
  while (!data.empty()) {
    const std::size_t in_chunk = offset % kBlakeChunkBytes;
    const std::size_t length = std::min(data.size(), kBlakeChunkBytes - in_chunk);
    if (offset >= stage_offset()) {
      std::memcpy(stage_.get() + (offset - stage_offset()), data.data(), length);
    } else {
      fill_pending(offset / kBlakeChunkBytes, in_chunk, data.first(length));
    }
    offset += length;
    data = data.subspan(length);
  }
}

void BlakeTree::fill_pending(std::uint64_t chunk_number, std::size_t offset_in_chunk, Bytes data) {
  const auto found = pending_.find(chunk_number);
  CHECK(found != pending_.end());
  PendingChunk& pending = found->second;
  std::memcpy(pending.bytes.data() + offset_in_chunk, data.data(), data.size());
  if (--pending.open_holes > 0) return;
  frontier_.resolve(chunk_number, fold_chunk(pending.bytes, chunk_number));
  pending_.erase(found);
}

Blake3Hash BlakeTree::finish() const {
  CHECK(holes_.empty());
  const std::size_t staged = staged_bytes();
  const Bytes bytes(stage_.get(), staged);
  if (size_ <= kBlakeChunkBytes) return fold_root_chunk(bytes);
  if (staged == 0) return frontier_.root();
  const std::size_t whole_chunks = (staged - 1) / kBlakeChunkBytes;  // without the last one
  BlakeFrontier frontier = frontier_;
  Run run(frontier);
  for (std::size_t i = 0; i < whole_chunks; ++i) run.add(stage_.get() + i * kBlakeChunkBytes);
  run.push();
  frontier.push_last_chunk(bytes.subspan(whole_chunks * kBlakeChunkBytes));
  return frontier.root();
}

std::size_t BlakeTree::memory_bytes() const {
  using PendingNode = std::map<std::uint64_t, PendingChunk>::value_type;
  static constexpr std::size_t kMapNodeBytes = sizeof(PendingNode) + 4 * sizeof(void*);
  return sizeof(*this) + kStageBytes + frontier_.heap_bytes() + holes_.capacity() * sizeof(Hole) +
         pending_.size() * kMapNodeBytes;
}

}  // namespace bale
