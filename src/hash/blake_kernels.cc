// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The only file that includes blake3_impl.h, whose macros and enumerators are global. Flags,
// counters and block lengths follow the BLAKE3 paper, section 2: a chunk is 16 blocks of 64 bytes
// chained through the compression function, the first one marked CHUNK_START and the last one
// CHUNK_END; a parent is one block, its children's chaining values side by side, with counter 0;
// the last compression of the whole tree also has ROOT.
#include "hash/blake_kernels.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/endian.h"

// These contain C++, so they must not be first included inside the extern "C" below.
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

extern "C" {
#include "blake3_impl.h"
}

namespace bale {
namespace {

static_assert(kBlakeChunkBytes == BLAKE3_CHUNK_LEN);

constexpr std::size_t kBlockBytes = BLAKE3_BLOCK_LEN;
constexpr std::size_t kChunkBlocks = kBlakeChunkBytes / kBlockBytes;

const std::uint8_t* as_u8(const std::byte* bytes) {
  return reinterpret_cast<const std::uint8_t*>(bytes);
}

std::uint8_t* as_u8(ChainingValue* values) {
  return reinterpret_cast<std::uint8_t*>(values);
}

ChainingValue to_bytes(const std::uint32_t (&words)[8]) {
  ChainingValue value;
  for (std::size_t i = 0; i < 8; ++i) store_le(value.data() + 4 * i, words[i]);
  return value;
}

// With ROOT the first 32 bytes of output are the same two halves XORed as for a chaining value, so
// the in-place form serves both.
ChainingValue compress_chunk(Bytes chunk, std::uint64_t chunk_number, unsigned extra_flags_at_end) {
  DCHECK(chunk.size() <= kBlakeChunkBytes);
  std::uint32_t words[8];
  std::memcpy(words, IV, sizeof(words));
  unsigned start = CHUNK_START;
  while (chunk.size() > kBlockBytes) {
    blake3_compress_in_place(words, as_u8(chunk.data()), kBlockBytes, chunk_number,
                             static_cast<std::uint8_t>(start));
    chunk = chunk.subspan(kBlockBytes);
    start = 0;
  }
  std::uint8_t last[kBlockBytes] = {};
  if (!chunk.empty()) std::memcpy(last, chunk.data(), chunk.size());
  blake3_compress_in_place(words, last, static_cast<std::uint8_t>(chunk.size()), chunk_number,
                           static_cast<std::uint8_t>(start | CHUNK_END | extra_flags_at_end));
  return to_bytes(words);
}

ChainingValue compress_parent(const ChainingValue& left, const ChainingValue& right,
                              unsigned flags) {
  std::uint8_t block[kBlockBytes];
  std::memcpy(block, left.data(), left.size());
  std::memcpy(block + left.size(), right.data(), right.size());
  std::uint32_t words[8];
  std::memcpy(words, IV, sizeof(words));
  blake3_compress_in_place(words, block, kBlockBytes, 0, static_cast<std::uint8_t>(flags));
  return to_bytes(words);
}

}  // namespace

void detect_blake3_cpu() {
  static const std::size_t kSimdDegree = blake3_simd_degree();
  static_cast<void>(kSimdDegree);
}

void fold_chunks(std::span<const std::byte* const> chunks, std::uint64_t first_chunk,
                 std::span<ChainingValue> values) {
  DCHECK(chunks.size() == values.size());
  if (chunks.empty()) return;
  const auto* inputs = reinterpret_cast<const std::uint8_t* const*>(chunks.data());
  blake3_hash_many(inputs, chunks.size(), kChunkBlocks, IV, first_chunk, true, 0, CHUNK_START,
                   CHUNK_END, as_u8(values.data()));
}

void fold_parents(std::span<const ChainingValue> children, std::span<ChainingValue> parents) {
  DCHECK(parents.size() <= kMaxParents && children.size() == 2 * parents.size());
  const std::uint8_t* inputs[kMaxParents];
  for (std::size_t i = 0; i < parents.size(); ++i) inputs[i] = as_u8(children[2 * i].data());
  blake3_hash_many(inputs, parents.size(), 1, IV, 0, false, PARENT, 0, 0, as_u8(parents.data()));
}

ChainingValue fold_chunk(Bytes chunk, std::uint64_t chunk_number) {
  return compress_chunk(chunk, chunk_number, 0);
}

ChainingValue fold_root_chunk(Bytes chunk) {
  return compress_chunk(chunk, 0, ROOT);
}

ChainingValue fold_parent(const ChainingValue& left, const ChainingValue& right) {
  return compress_parent(left, right, PARENT);
}

ChainingValue fold_root_parent(const ChainingValue& left, const ChainingValue& right) {
  return compress_parent(left, right, PARENT | ROOT);
}

}  // namespace bale
