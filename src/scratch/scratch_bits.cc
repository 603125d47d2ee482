// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "scratch/scratch_bits.h"

#include "base/try.h"

namespace bale {

Result<ScratchBits> ScratchBits::create(Budget& budget, std::uint64_t count,
                                        std::uint64_t memory_bytes, FileSystem& file_system,
                                        const std::string& scratch_directory) {
  return ScratchBits(
      TRY(ScratchArray<std::uint8_t>::create(budget, (count + 7) / 8, memory_bytes, file_system,
                                             scratch_directory, "a mark for each object")));
}

Result<bool> ScratchBits::set(std::uint64_t number) {
  const unsigned byte = TRY(bytes_.get(number / 8));
  const unsigned bit = 1U << number % 8;
  if ((byte & bit) != 0) return false;
  TRY(bytes_.set(number / 8, static_cast<std::uint8_t>(byte | bit)));
  return true;
}

Result<bool> ScratchBits::test(std::uint64_t number) {
  const unsigned byte = TRY(bytes_.get(number / 8));
  return (byte >> number % 8 & 1) != 0;
}

}  // namespace bale
