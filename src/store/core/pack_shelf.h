// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// PackShelf: the packs that a Store has come to know, by number, opened when they are wanted. The
// Store and its snapshots share it.
//
// A number is given once and keeps its meaning for as long as the shelf lives, also when the pack
// is collected: so an ObjectLocation stays good. Whoever holds an open pack may go on reading it
// whatever becomes of its files. The shelf itself keeps the packs open that were used last, so that
// descriptors and maps are bounded: kMostOpen packs, of one descriptor and two maps each.
//
// Thread-safe.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bale/file_system.h"
#include "bale/pack_reader.h"
#include "bale/result.h"
#include "store/core/git_index_view.h"
#include "store/core/layout.h"

namespace bale {

/// One open pack. Its payloads are read, not mapped, so that resident memory stays bounded.
struct StoredPack {
  std::string name;
  PackReader reader;
  std::optional<GitIndexView> git_index;  ///< not there where it is lost, damaged or unreadable
  std::optional<Error> git_index_error;   ///< then: why
};

class PackShelf {
 public:
  static constexpr std::size_t kMostOpen = 128;

  /// `file_system` must outlive the shelf. For `records_are_marked` see record_mark.h.
  PackShelf(FileSystem& file_system, StoreLayout layout, bool records_are_marked)
      : file_system_(file_system),
        layout_(std::move(layout)),
        records_are_marked_(records_are_marked) {}

  PackShelf(const PackShelf&) = delete;
  PackShelf& operator=(const PackShelf&) = delete;

  [[nodiscard]] FileSystem& file_system() const { return file_system_; }

  [[nodiscard]] const StoreLayout& layout() const { return layout_; }

  [[nodiscard]] bool records_are_marked() const { return records_are_marked_; }

  /// The number of the pack of this name; a new one where there was none.
  std::uint32_t number_of(const std::string& name);

  /// Requires a number from number_of().
  [[nodiscard]] std::string name(std::uint32_t number) const;

  /// The pack, opened if need be. kNotFound where a file of it is gone, kCorrupt where it is
  /// damaged, kIo where it cannot be opened.
  Result<std::shared_ptr<const StoredPack>> open(std::uint32_t number);

  /// Forgets that the pack was opened, so that the next open() looks at its files again: they were
  /// made anew.
  void close(std::uint32_t number);

  /// Gives back the pages that were touched in packs that are open.
  void release_pages() const;

 private:
  struct Slot {
    std::string name;
    std::shared_ptr<const StoredPack> pack;
    std::uint64_t used = 0;  // when, in uses
  };

  Result<std::shared_ptr<const StoredPack>> open_files(const std::string& name) const;
  void close_longest_unused();

  FileSystem& file_system_;
  const StoreLayout layout_;
  const bool records_are_marked_;
  mutable std::mutex mutex_;
  std::vector<Slot> slots_;
  std::map<std::string, std::uint32_t> numbers_;
  std::size_t open_ = 0;
  std::uint64_t uses_ = 0;
};

}  // namespace bale
