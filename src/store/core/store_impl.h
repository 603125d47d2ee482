// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What is behind a Store and its snapshots, for the other files of the library.

#pragma once

#include <memory>
#include <utility>

#include "bale/store.h"
#include "store/core/layout.h"
#include "store/core/pack_set.h"
#include "store/core/pack_shelf.h"

namespace bale {

struct SnapshotAccess {
  static const std::shared_ptr<const PackSet>& packs(const Snapshot& snapshot) {
    return snapshot.packs_;
  }

  static Snapshot make(std::shared_ptr<const PackSet> packs) { return Snapshot(std::move(packs)); }
};

/// The packs of a snapshot. Of a Store: those of its snapshot().
inline std::shared_ptr<const PackSet> packs_of(const Snapshot& snapshot) {
  return SnapshotAccess::packs(snapshot);
}

/// A snapshot of these packs.
inline Snapshot snapshot_of(std::shared_ptr<const PackSet> packs) {
  return SnapshotAccess::make(std::move(packs));
}

/// The store's table of packs. It lives as long as any snapshot of the store, or the Store.
inline PackShelf& shelf_of(const Snapshot& snapshot) {
  return SnapshotAccess::packs(snapshot)->shelf();
}

inline const StoreLayout& layout_of(const Snapshot& snapshot) {
  return shelf_of(snapshot).layout();
}

/// Whether records have ids of their own: see record_mark.h. False in stores with the old mark.
inline bool records_are_marked(const Snapshot& snapshot) {
  return shelf_of(snapshot).records_are_marked();
}

/// Pack `number`, opened if need be. kNotFound where it was collected.
inline Result<std::shared_ptr<const StoredPack>> open_pack(const Snapshot& snapshot,
                                                           std::uint32_t number) {
  return SnapshotAccess::packs(snapshot)->open(number);
}

}  // namespace bale
