// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// ScratchArray: an array of any length in a fixed amount of memory: a word for each object of a
// store.
//
// What the memory holds lies there. A longer one lies in a scratch file without a name, 4 KiB at a
// time, and the memory keeps those pages that were used last, one for each place (a direct-mapped
// cache). Ids are hashes, so items are used all over: with less memory than items, each use costs a
// read and a write of the page cache. It gets slower, never larger.
//
// Not thread-safe.

#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>

#include "bale/file_system.h"
#include "bale/result.h"
#include "base/budget.h"
#include "base/check.h"
#include "base/error.h"
#include "base/try.h"

namespace bale {

template <typename Item>
class ScratchArray {
 public:
  static_assert(std::is_trivially_copyable_v<Item>);

  static constexpr std::uint64_t kPageBytes = 4096;
  static_assert(kPageBytes % sizeof(Item) == 0);

  /// The smallest `memory_bytes`.
  static constexpr std::uint64_t kMinBytes = 16 * kPageBytes;

  /// `count` items of zero bytes, in at most `memory_bytes`, charged as `what`; the rest in
  /// `scratch_directory`. `file_system` must outlive it.
  [[nodiscard]] static Result<ScratchArray> create(Budget& budget, std::uint64_t count,
                                                   std::uint64_t memory_bytes,
                                                   FileSystem& file_system,
                                                   const std::string& scratch_directory,
                                                   std::string_view what) {
    ScratchArray array;
    const std::uint64_t bytes = count * sizeof(Item);
    if (bytes <= memory_bytes) {
      array.pages_ = TRY(Buffer::allocate(budget, bytes, what));
      return array;
    }
    array.place_count_ = std::max(memory_bytes, kMinBytes) / (kPageBytes + sizeof(Place));
    array.pages_ = TRY(Buffer::allocate(budget, array.place_count_ * kPageBytes, what));
    array.places_ = TRY(Buffer::allocate(budget, array.place_count_ * sizeof(Place), what));
    array.file_ = TRY(file_system.create_unnamed(scratch_directory));
    TRY(array.file_->truncate((bytes + kPageBytes - 1) / kPageBytes * kPageBytes));
    return array;
  }

  /// Requires number < count.
  [[nodiscard]] Result<Item> get(std::uint64_t number) { return *TRY(find(number, false)); }

  /// Requires number < count.
  Result<void> set(std::uint64_t number, Item item) {
    *TRY(find(number, true)) = item;
    return {};
  }

 private:
  // The page in a place of the memory, and whether the file does not have it so.
  struct Place {
    std::uint64_t page = 0;  // its number and 1; 0 for none
    std::uint64_t dirty = 0;
  };

  ScratchArray() = default;

  Result<Item*> find(std::uint64_t number, bool to_change) {
    const std::uint64_t byte = number * sizeof(Item);
    if (file_ == nullptr) {
      CHECK(byte < pages_.size());
      return reinterpret_cast<Item*>(pages_.data() + byte);
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
    if (to_change) place.dirty = 1;
    return reinterpret_cast<Item*>(memory.data() + byte % kPageBytes);
  }

  Buffer pages_;
  Buffer places_;  // of Place; none where everything fits
  std::uint64_t place_count_ = 0;
  std::unique_ptr<File> file_;  // null where everything fits
};

}  // namespace bale
