// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What a Store holds: its layout, the packs it came to know, and which of them were there when it
// looked last. For the other files of this room.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "bale/store.h"
#include "store/core/layout.h"
#include "store/core/pack_set.h"
#include "store/core/pack_shelf.h"

namespace bale {

class Store::Impl {
 public:
  Impl(FileSystem& file_system, std::string root, bool records_are_marked)
      : file_system_(file_system),
        layout_{std::move(root)},
        records_are_marked_(records_are_marked),
        shelf_(file_system, layout_) {}

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] FileSystem& file_system() const { return file_system_; }

  [[nodiscard]] const StoreLayout& layout() const { return layout_; }

  /// Whether records have ids of their own: see record_mark.h. False in stores with the old mark.
  [[nodiscard]] bool records_are_marked() const { return records_are_marked_; }

  [[nodiscard]] PackShelf& shelf() const { return shelf_; }

  /// The packs as they were at the last refresh(). What takes several steps holds on to one.
  [[nodiscard]] std::shared_ptr<const PackSet> packs() const {
    const std::lock_guard lock(mutex_);
    return packs_;
  }

  /// Look-ups and reads go by these from now on.
  void use(std::shared_ptr<const PackSet> packs) const {
    const std::lock_guard lock(mutex_);
    packs_ = std::move(packs);
  }

  Result<void> refresh() const;

  /// packs(), or, where their catalog is damaged, the same packs without it, which are used from
  /// then on. For what believes that an id which is not found is nowhere: look-ups that found
  /// nothing, and walks. The first call for a catalog reads all of it.
  Result<std::shared_ptr<const PackSet>> proven_packs() const;

  /// Pack `number`, opened if need be: see PackShelf.
  Result<std::shared_ptr<const StoredPack>> open(std::uint32_t number) const;

  struct Place {
    std::shared_ptr<const StoredPack> pack;
    std::uint64_t offset = 0;
  };

  /// The pack of a location, or if that was collected, where the object with this id lies now.
  Result<Place> open_at(const ObjectLocation& location, const LookupId& id) const;

  /// Calls `read` with the place of the object; where that fails, with the places of all other
  /// entries that have its id, until one succeeds. The first Error where none does. kInterrupted
  /// ends it at once.
  Result<void> try_copies(const ObjectLocation& location, const LookupId& id, ReadContext& context,
                          const std::function<Result<void>(const Place&)>& read) const;

 private:
  FileSystem& file_system_;
  StoreLayout layout_;
  bool records_are_marked_;
  mutable PackShelf shelf_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const PackSet> packs_;
};

}  // namespace bale
