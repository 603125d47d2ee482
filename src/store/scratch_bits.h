// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// ScratchBits: any number of bits in a fixed amount of memory: a mark for each object of a store.
//
// As many bits as the memory holds lie there. More lie in a scratch file without a name, 4 KiB at a
// time, and the memory keeps those pages that were used last, one for each place (a direct-mapped
// cache). Ids are hashes, so marks are set all over: with less memory than bits, setting one costs
// a read and a write of the page cache. It gets slower, never larger.
//
// Not thread-safe.

#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "bale/file_system.h"
#include "bale/result.h"
#include "base/budget.h"

namespace bale {

class ScratchBits {
 public:
  static constexpr std::uint64_t kPageBytes = 4096;

  /// The smallest `memory_bytes`.
  static constexpr std::uint64_t kMinBytes = 16 * kPageBytes;

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
  // The page in a place of the memory, and whether the file does not have it so.
  struct Place {
    std::uint64_t page = 0;  // its number and 1; 0 for none
    std::uint64_t dirty = 0;
  };

  ScratchBits() = default;

  Result<std::byte*> byte_of(std::uint64_t number);

  Buffer pages_;
  Buffer places_;  // of Place; none where everything fits
  std::uint64_t place_count_ = 0;
  std::unique_ptr<File> file_;  // null where everything fits
};

}  // namespace bale
