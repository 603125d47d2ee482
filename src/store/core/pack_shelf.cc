// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/pack_shelf.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/try.h"

namespace bale {

std::uint32_t PackShelf::number_of(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto [place, added] = numbers_.try_emplace(name, static_cast<std::uint32_t>(slots_.size()));
  if (added) slots_.push_back({.name = name, .pack = nullptr});
  return place->second;
}

std::string PackShelf::name(std::uint32_t number) const {
  const std::lock_guard lock(mutex_);
  return number < slots_.size() ? slots_[number].name : std::string();
}

Result<std::shared_ptr<const StoredPack>> PackShelf::open(std::uint32_t number) {
  std::string name;
  {
    const std::lock_guard lock(mutex_);
    if (number >= slots_.size()) {
      return fail(ErrorCode::kInvalidArgument, "{}: no pack has the number {}", layout_.root,
                  number);
    }
    Slot& slot = slots_[number];
    slot.used = ++uses_;
    if (slot.pack != nullptr) return slot.pack;
    name = slot.name;
  }
  // Two threads may open it at once: then one of the two is kept.
  std::shared_ptr<const StoredPack> opened = TRY(open_files(name));
  // A Git index that the system did not give is asked for again the next time.
  if (opened->git_index_error && opened->git_index_error->code == ErrorCode::kIo) return opened;
  const std::lock_guard lock(mutex_);
  Slot& slot = slots_[number];
  if (slot.pack == nullptr) {
    if (open_ == kMostOpen) close_longest_unused();
    slot.pack = std::move(opened);
    ++open_;
  }
  return slot.pack;
}

Result<std::shared_ptr<const StoredPack>> PackShelf::open_files(const std::string& name) const {
  PackReader reader = TRY(PackReader::open(
      layout_.pack(name), {.access = PackAccess::kRead, .file_system = &file_system_}));
  Result<GitIndexView> git_index =
      GitIndexView::open(file_system_, layout_.git_index(name), reader.trailer());
  auto pack = std::make_shared<StoredPack>(StoredPack{
      .name = name, .reader = std::move(reader), .git_index = {}, .git_index_error = {}});
  if (git_index) {
    pack->git_index = std::move(*git_index);
  } else {
    pack->git_index_error = git_index.error();
  }
  return std::shared_ptr<const StoredPack>(std::move(pack));
}

void PackShelf::close_longest_unused() {
  const auto oldest =
      std::min_element(slots_.begin(), slots_.end(), [](const auto& a, const auto& b) {
        return std::pair(a.pack == nullptr, a.used) < std::pair(b.pack == nullptr, b.used);
      });
  oldest->pack.reset();
  --open_;
}

void PackShelf::close(std::uint32_t number) {
  const std::lock_guard lock(mutex_);
  CHECK(number < slots_.size());
  if (slots_[number].pack != nullptr) --open_;
  slots_[number].pack.reset();
}

void PackShelf::release_pages() const {
  const std::lock_guard lock(mutex_);
  for (const Slot& slot : slots_) {
    if (slot.pack == nullptr) continue;
    slot.pack->reader.release_pages();
    if (slot.pack->git_index) slot.pack->git_index->release_pages();
  }
}

}  // namespace bale
