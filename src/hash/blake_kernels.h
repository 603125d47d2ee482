// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The steps of every BLAKE3 tree: chunks to chaining values, pairs of chaining values to their
// parent's. Thin wrappers over the SIMD kernels of the official C library that hide its flags and C
// types; the caller determines the order of calls.
//
// Thread-safe; no allocation. Call detect_blake3_cpu() once before anything else here.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "bale/bytes.h"

namespace bale {

/// A leaf of the tree, the last one excepted, which has 0 (only in an empty stream) to 1024 bytes.
inline constexpr std::size_t kBlakeChunkBytes = 1024;

/// The value of a subtree. That of the whole stream, computed with the root flag, is its hash.
using ChainingValue = std::array<std::byte, 32>;
static_assert(sizeof(ChainingValue) == 32, "two in a row must be one block of 64 bytes");

/// The official library detects the CPU on first use, without a lock. This does it under one;
/// afterwards the library only reads. Costs a load and a branch from the second call on.
void detect_blake3_cpu();

/// Folds whole chunks with the numbers first_chunk, first_chunk + 1, ..., anywhere in memory.
/// Fastest with 16 at once. `values` has as many elements as `chunks`, and overlaps none of them.
void fold_chunks(std::span<const std::byte* const> chunks, std::uint64_t first_chunk,
                 std::span<ChainingValue> values);

/// Folds children 2i and 2i + 1 into parents[i]. Requires children.size() == 2 * parents.size(), at
/// most kMaxParents parents, and that the two spans do not overlap.
void fold_parents(std::span<const ChainingValue> children, std::span<ChainingValue> parents);
inline constexpr std::size_t kMaxParents = 64;

/// One chunk of up to 1024 bytes, which is not the whole stream.
[[nodiscard]] ChainingValue fold_chunk(Bytes chunk, std::uint64_t chunk_number);

/// A stream of one chunk: 0 to 1024 bytes.
[[nodiscard]] ChainingValue fold_root_chunk(Bytes chunk);

[[nodiscard]] ChainingValue fold_parent(const ChainingValue& left, const ChainingValue& right);

/// The hash of a stream of more than one chunk, from its two halves.
[[nodiscard]] ChainingValue fold_root_parent(const ChainingValue& left, const ChainingValue& right);

}  // namespace bale
