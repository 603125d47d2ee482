// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// ScratchStack: a stack of any height in a fixed amount of memory: what a walk has still to look
// at.
//
// Its top is in memory. When that is full, the lower half goes to a scratch file without a name,
// which is made then; when it is empty, the last half comes back. Items are copied as bytes.
//
// Memory: `memory_bytes`, charged. Not thread-safe.

#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
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
class ScratchStack {
 public:
  static_assert(std::is_trivially_copyable_v<Item>);

  /// `file_system` must outlive it. Requires room for two items.
  [[nodiscard]] static Result<ScratchStack> create(Budget& budget, std::uint64_t memory_bytes,
                                                   FileSystem& file_system,
                                                   std::string scratch_directory) {
    ScratchStack stack(file_system, std::move(scratch_directory));
    stack.half_ = memory_bytes / sizeof(Item) / 2;
    CHECK(stack.half_ > 0);
    stack.items_ =
        TRY(Buffer::allocate(budget, 2 * stack.half_ * sizeof(Item), "the stack of a walk"));
    return stack;
  }

  [[nodiscard]] bool empty() const { return count_ == 0 && spilled_ == 0; }

  Result<void> push(const Item& item) {
    if (count_ == 2 * half_) TRY(spill());
    std::memcpy(at(count_), &item, sizeof(Item));
    ++count_;
    return {};
  }

  /// Requires !empty().
  Result<Item> pop() {
    if (count_ == 0) TRY(fetch());
    --count_;
    Item item;
    std::memcpy(&item, at(count_), sizeof(Item));
    return item;
  }

 private:
  ScratchStack(FileSystem& file_system, std::string scratch_directory)
      : file_system_(&file_system), scratch_directory_(std::move(scratch_directory)) {}

  [[nodiscard]] std::byte* at(std::uint64_t number) {
    return items_.data() + number * sizeof(Item);
  }

  [[nodiscard]] std::uint64_t half_bytes() const { return half_ * sizeof(Item); }

  Result<void> spill() {
    if (file_ == nullptr) file_ = TRY(file_system_->create_unnamed(scratch_directory_));
    TRY(file_->write_at(spilled_ * half_bytes(), items_.span().first(half_bytes())));
    ++spilled_;
    std::memcpy(at(0), at(half_), half_bytes());
    count_ = half_;
    return {};
  }

  Result<void> fetch() {
    CHECK(spilled_ > 0);
    const std::size_t got =
        TRY(file_->read_at((spilled_ - 1) * half_bytes(), items_.span().first(half_bytes())));
    if (got != half_bytes()) {
      return fail(ErrorCode::kIo, "{}: scratch is shorter than it was written", file_->path());
    }
    --spilled_;
    count_ = half_;
    return {};
  }

  FileSystem* file_system_;
  std::string scratch_directory_;
  Buffer items_;
  std::uint64_t half_ = 0;     // items
  std::uint64_t count_ = 0;    // items in memory
  std::uint64_t spilled_ = 0;  // halves in the file
  std::unique_ptr<File> file_;
};

}  // namespace bale
