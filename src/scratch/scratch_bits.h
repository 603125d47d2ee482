// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// ScratchBits: any number of bits in a fixed amount of memory: a mark for each object of a store.
// What they lie in is a ScratchArray. Not thread-safe.

#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "bale/file_system.h"
#include "bale/result.h"
#include "base/budget.h"
#include "scratch/scratch_array.h"

namespace bale {

class ScratchBits {
 public:
  static constexpr std::uint64_t kPageBytes = ScratchArray<std::uint8_t>::kPageBytes;

  /// The smallest `memory_bytes`.
  static constexpr std::uint64_t kMinBytes = ScratchArray<std::uint8_t>::kMinBytes;

  /// `count` bits, all clear, in at most `memory_bytes`, charged; the rest in `scratch_directory`.
  /// `file_system` must outlive it.
  [[nodiscard]] static Result<ScratchBits> create(Budget& budget, std::uint64_t count,
                                                  std::uint64_t memory_bytes,
                                                  FileSystem& file_system,
                                                  const std::string& scratch_directory);

  /// Sets bit `number`, and tells whether it was clear before. Requires number < count.
  Result<bool> set(std::uint64_t number);

  [[nodiscard]] Result<bool> test(std::uint64_t number);

 private:
  explicit ScratchBits(ScratchArray<std::uint8_t> bytes) : bytes_(std::move(bytes)) {}

  ScratchArray<std::uint8_t> bytes_;
};

}  // namespace bale
