// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/scratch_bits.h"

#include <algorithm>

#include "base/check.h"
#include "base/error.h"
#include "base/try.h"

namespace bale {

Result<ScratchBits> ScratchBits::create(Budget& budget, std::uint64_t count,
                                        std::uint64_t memory_bytes, FileSystem& file_system,
                                        const std::string& scratch_directory) {
  ScratchBits bits;
  const std::uint64_t bytes = (count + 7) / 8;
  if (bytes <= memory_bytes) {
    bits.pages_ = TRY(Buffer::allocate(budget, bytes, "a mark for each object"));
    return bits;
  }
  bits.place_count_ = std::max(memory_bytes, kMinBytes) / (kPageBytes + sizeof(Place));
  bits.pages_ = TRY(Buffer::allocate(budget, bits.place_count_ * kPageBytes,
                                     "marks of objects, kept on scratch"));
  bits.places_ = TRY(Buffer::allocate(budget, bits.place_count_ * sizeof(Place),
                                      "marks of objects, kept on scratch"));
  bits.file_ = TRY(file_system.create_unnamed(scratch_directory));
  TRY(bits.file_->truncate((bytes + kPageBytes - 1) / kPageBytes * kPageBytes));
  return bits;
}

Result<std::byte*> ScratchBits::byte_of(std::uint64_t number) {
  const std::uint64_t byte = number / 8;
  if (file_ == nullptr) {
    CHECK(byte < pages_.size());
    return pages_.data() + byte;
  }
  const std::uint64_t page = byte / kPageBytes;
  Place& place = reinterpret_cast<Place*>(places_.data())[page % place_count_];
  const MutableBytes memory = pages_.span().subspan(page % place_count_ * kPageBytes, kPageBytes);
  if (place.page != page + 1) {
    if (place.dirty != 0) TRY(file_->write_at((place.page - 1) * kPageBytes, memory));
    place = {};
    const std::size_t got = TRY(file_->read_at(page * kPageBytes, memory));
    if (got != kPageBytes) {
      return fail(ErrorCode::kIo, "{}: scratch is shorter than it was written", file_->path());
    }
    place.page = page + 1;
  }
  return memory.data() + byte % kPageBytes;
}

Result<bool> ScratchBits::set(std::uint64_t number) {
  std::byte* const byte = TRY(byte_of(number));
  const std::byte bit{static_cast<unsigned char>(1U << number % 8)};
  if ((*byte & bit) != std::byte{0}) return false;
  *byte |= bit;
  if (file_ != nullptr) {
    reinterpret_cast<Place*>(places_.data())[number / 8 / kPageBytes % place_count_].dirty = 1;
  }
  return true;
}

Result<bool> ScratchBits::test(std::uint64_t number) {
  const std::byte* const byte = TRY(byte_of(number));
  return (std::to_integer<unsigned>(*byte) >> number % 8 & 1) != 0;
}

}  // namespace bale
