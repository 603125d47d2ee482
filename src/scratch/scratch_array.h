// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Arrays, stacks and bits of any length in a fixed amount of memory: a word for each object of a
// store, a log of a pack's entries, a walk's pending objects.
//
//   using Words = ScratchArray<std::uint64_t>;
//   auto sizes = TRY(Words::create(budget, count, 1 << 20, files, "/tmp", "sizes"));
//   TRY(sizes.set(7, 4096));
//
// An array that fits is in memory. Otherwise memory is a direct-mapped cache of 4 KiB pages, and an
// unnamed scratch file holds the others. Ids are hashes, so access is random: each may read and
// write a page of the scratch file. A longer array gets slower, never larger in memory.
//
// Memory: at most `memory_bytes`, charged. Errors: kLimitExceeded if the budget has no room, kIo of
// the scratch file. Not thread-safe. The FileSystem must outlive the array.

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

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
  static_assert(sizeof(Item) <= kPageBytes);

  /// A page's share of `memory_bytes`, with its bookkeeping.
  static constexpr std::uint64_t kPageCostBytes = kPageBytes + 16;

  /// The smallest `memory_bytes`.
  static constexpr std::uint64_t kMinBytes = 4 * kPageCostBytes;

  /// `count` items of zero bytes, in at most `memory_bytes`, charged as `what`; the rest in
  /// `scratch_directory`.
  [[nodiscard]] static Result<ScratchArray> create(Budget& budget, std::uint64_t count,
                                                   std::uint64_t memory_bytes,
                                                   FileSystem& file_system,
                                                   const std::string& scratch_directory,
                                                   std::string_view what) {
    ScratchArray array(file_system, scratch_directory);
    array.size_ = count;
    TRY(array.take_memory(budget, memory_bytes, (count + kPageItems - 1) / kPageItems, what));
    return array;
  }

  /// No items yet; append() adds them.
  [[nodiscard]] static Result<ScratchArray> growing(Budget& budget, std::uint64_t memory_bytes,
                                                    FileSystem& file_system,
                                                    const std::string& scratch_directory,
                                                    std::string_view what) {
    ScratchArray array(file_system, scratch_directory);
    TRY(array.take_memory(budget, memory_bytes, UINT64_MAX, what));
    return array;
  }

  [[nodiscard]] std::uint64_t size() const { return size_; }

  /// Requires number < size().
  [[nodiscard]] Result<Item> get(std::uint64_t number) {
    Item item;
    std::memcpy(&item, TRY(find(number, false)), sizeof(Item));
    return item;
  }

  /// Requires number < size().
  Result<void> set(std::uint64_t number, const Item& item) {
    std::memcpy(TRY(find(number, true)), &item, sizeof(Item));
    return {};
  }

  Result<void> append(const Item& item) {
    ++size_;
    return set(size_ - 1, item);
  }

  /// Drops the last item and returns it. Requires size() > 0.
  Result<Item> take_last() {
    Item item = TRY(get(size_ - 1));
    --size_;
    return item;
  }

 private:
  static constexpr std::uint64_t kPageItems = kPageBytes / sizeof(Item);

  // The page in a cache slot, and whether it differs from the file's.
  struct Place {
    std::uint64_t page = 0;  // its number plus 1; 0 for none
    std::uint64_t dirty = 0;
  };

  static_assert(kPageCostBytes == kPageBytes + sizeof(Place));

  ScratchArray(FileSystem& file_system, std::string scratch_directory)
      : file_system_(&file_system), scratch_directory_(std::move(scratch_directory)) {}

  Result<void> take_memory(Budget& budget, std::uint64_t memory_bytes, std::uint64_t page_count,
                           std::string_view what) {
    const std::uint64_t most = std::max(memory_bytes, kMinBytes) / kPageCostBytes;
    place_count_ = std::clamp<std::uint64_t>(page_count, 1, most);
    pages_ = TRY(Buffer::allocate(budget, place_count_ * kPageBytes, what));
    places_ = TRY(Buffer::allocate(budget, place_count_ * sizeof(Place), what));
    std::memset(places_.data(), 0, places_.size());
    return {};
  }

  Result<std::byte*> find(std::uint64_t number, bool to_change) {
    CHECK(number < size_);
    const std::uint64_t page = number / kPageItems;
    const std::uint64_t at = page < place_count_ ? page : page % place_count_;
    Place& place = reinterpret_cast<Place*>(places_.data())[at];
    const MutableBytes memory = pages_.span().subspan(at * kPageBytes, kPageBytes);
    if (place.page != page + 1) {
      TRY(evict(place, memory));
      TRY(load(page, memory));
      place.page = page + 1;
    }
    if (to_change) place.dirty = 1;
    return memory.data() + number % kPageItems * sizeof(Item);
  }

  Result<void> evict(Place& place, Bytes memory) {
    if (place.dirty != 0) {
      if (file_ == nullptr) file_ = TRY(file_system_->create_unnamed(scratch_directory_));
      TRY(file_->write_at((place.page - 1) * kPageBytes, memory));
      file_pages_ = std::max(file_pages_, place.page);
    }
    place = {};
    return {};
  }

  // A page never written is zero: past the file's end, or in a hole.
  Result<void> load(std::uint64_t page, MutableBytes memory) {
    if (page >= file_pages_) {
      std::memset(memory.data(), 0, memory.size());
      return {};
    }
    if (TRY(file_->read_at(page * kPageBytes, memory)) == kPageBytes) return {};
    return fail(ErrorCode::kIo, "{}: scratch is shorter than it was written", file_->path());
  }

  FileSystem* file_system_;
  std::string scratch_directory_;
  Buffer pages_;
  Buffer places_;  // of Place
  std::uint64_t place_count_ = 0;
  std::uint64_t size_ = 0;
  std::unique_ptr<File> file_;    // created when memory is full
  std::uint64_t file_pages_ = 0;  // the file's length
};

/// A stack: its top is in memory.
template <typename Item>
class ScratchStack {
 public:
  [[nodiscard]] static Result<ScratchStack> create(Budget& budget, std::uint64_t memory_bytes,
                                                   FileSystem& file_system,
                                                   const std::string& scratch_directory) {
    return ScratchStack(TRY(ScratchArray<Item>::growing(budget, memory_bytes, file_system,
                                                        scratch_directory, "the stack of a walk")));
  }

  [[nodiscard]] bool empty() const { return items_.size() == 0; }

  Result<void> push(const Item& item) { return items_.append(item); }

  /// Requires !empty().
  Result<Item> pop() { return items_.take_last(); }

 private:
  explicit ScratchStack(ScratchArray<Item> items) : items_(std::move(items)) {}

  ScratchArray<Item> items_;
};

/// Bits, all clear at first: a mark for each object of a store.
class ScratchBits {
 public:
  /// The smallest `memory_bytes`.
  static constexpr std::uint64_t kMinBytes = ScratchArray<std::uint8_t>::kMinBytes;

  [[nodiscard]] static Result<ScratchBits> create(Budget& budget, std::uint64_t count,
                                                  std::uint64_t memory_bytes,
                                                  FileSystem& file_system,
                                                  const std::string& scratch_directory) {
    return ScratchBits(
        TRY(ScratchArray<std::uint8_t>::create(budget, (count + 7) / 8, memory_bytes, file_system,
                                               scratch_directory, "a mark for each object")));
  }

  /// Sets bit `number`, and returns whether it was clear before. Requires number < count.
  Result<bool> set(std::uint64_t number) {
    const unsigned byte = TRY(bytes_.get(number / 8));
    const unsigned bit = 1U << number % 8;
    if ((byte & bit) != 0) return false;
    TRY(bytes_.set(number / 8, static_cast<std::uint8_t>(byte | bit)));
    return true;
  }

  [[nodiscard]] Result<bool> test(std::uint64_t number) {
    const unsigned byte = TRY(bytes_.get(number / 8));
    return (byte >> number % 8 & 1) != 0;
  }

 private:
  explicit ScratchBits(ScratchArray<std::uint8_t> bytes) : bytes_(std::move(bytes)) {}

  ScratchArray<std::uint8_t> bytes_;
};

}  // namespace bale
