// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The steps that every BLAKE3 tree is made of: chunks into chaining values, pairs of chaining
// values into their parent's. Thin wrappers over the SIMD kernels of the official C library, with
// its flags and its C types kept behind them; who calls what in which order is the caller's
// business.
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

/// What a subtree is folded to. The whole stream's, made with the root flag, is its hash.
using ChainingValue = std::array<std::byte, 32>;
static_assert(sizeof(ChainingValue) == 32, "two in a row must be one block of 64 bytes");

/// The official library looks at the CPU on its first use, without a lock. This does it under one;
/// afterwards the library only reads. Costs a load and a branch from the second call on.
void detect_blake3_cpu();

/// Folds whole chunks whose numbers are first_chunk, first_chunk + 1, ...; they may lie anywhere.
/// Fastest with 16 at once. `values` has as many elements as `chunks`, and overlaps none of them.
void fold_chunks(std::span<const std::byte* const> chunks, std::uint64_t first_chunk,
                 std::span<ChainingValue> values);

/// Folds children 2i and 2i + 1 into parents[i]. Requires children.size() == 2 * parents.size(), at
/// most kMaxParents parents, and that the two spans do not overlap.
void fold_parents(std::span<const ChainingValue> children, std::span<ChainingValue> parents);
inline constexpr std::size_t kMaxParents = 64;

/// One chunk of up to 1024 bytes, which is not the whole stream.
[[nodiscard]] ChainingValue fold_chunk(Bytes chunk, std::uint64_t chunk_number);

/// A stream that is one chunk: up to 1024 bytes, or none at all.
[[nodiscard]] ChainingValue fold_root_chunk(Bytes chunk);

[[nodiscard]] ChainingValue fold_parent(const ChainingValue& left, const ChainingValue& right);

/// The hash of a stream of more than one chunk, from its two halves.
[[nodiscard]] ChainingValue fold_root_parent(const ChainingValue& left, const ChainingValue& right);

}  // namespace bale
