// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What a Store holds: its layout and its open packs. For the other files of this room.

#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bale/store.h"
#include "store/git_index_view.h"
#include "store/layout.h"

namespace bale {

/// One open pack. Its payloads are read, not mapped, so that resident memory stays bounded.
struct StoredPack {
  std::string name;
  PackReader reader;
  std::optional<GitIndexView> git_index;  ///< not there in a pack without Git objects
};

class Store::Impl {
 public:
  Impl(FileSystem& file_system, std::string root)
      : file_system_(file_system), layout_{std::move(root)} {}

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] FileSystem& file_system() const { return file_system_; }

  [[nodiscard]] const StoreLayout& layout() const { return layout_; }

  [[nodiscard]] const std::vector<std::unique_ptr<StoredPack>>& packs() const { return packs_; }

  Result<void> refresh();

  /// Where an id leads, and its place among the records of that pack's Git index.
  struct GitFound {
    std::uint32_t pack = 0;
    GitIndexView::Found found;
  };

  [[nodiscard]] std::optional<GitFound> find(const GitOid& oid) const;
  [[nodiscard]] std::optional<ObjectLocation> find(const ObjectId& id) const;

 private:
  void count_lookup() const;

  FileSystem& file_system_;
  StoreLayout layout_;
  std::vector<std::unique_ptr<StoredPack>> packs_;
  std::uint64_t index_bytes_ = 0;
  mutable std::atomic<std::uint64_t> lookups_ = 0;
};

}  // namespace bale
