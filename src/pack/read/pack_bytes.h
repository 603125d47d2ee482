// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// PackBytes: the bytes of a pack file, through memory or by reading, and always inside the file.
//
// Thread-safe: nothing changes after open().

#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "bale/file_system.h"
#include "bale/pack_reader.h"
#include "bale/result.h"
#include "format/container.h"

namespace bale {

/// Blocks of a damaged file that the disk does not give. They read as zeros, each time: what was
/// proven to be right with them stays what it was, and a dying disk is asked once.
struct UnreadableBlocks {
  static constexpr std::uint64_t kBlockBytes = 4096;
  static constexpr std::size_t kMost = 1 << 16;  ///< 256 MiB; beyond, reading fails. 48 bytes each

  std::set<std::uint64_t> numbers;
  bool complete = false;  ///< no more are taken in: another one fails the reading
};

class PackBytes {
 public:
  /// Checks header and size; reads the trailer, does not recompute it. kCorrupt, with the path.
  [[nodiscard]] static Result<PackBytes> open(FileSystem& file_system, const std::string& path,
                                              PackAccess access);

  /// The same of a file of which nothing needs to be right: all of it may be entries. Has no count
  /// and no trailer. With `unreadable`, which must outlive it, blocks that cannot be read are
  /// zeros; until they are complete, only one thread may read.
  [[nodiscard]] static Result<PackBytes> open_damaged(FileSystem& file_system,
                                                      const std::string& path,
                                                      UnreadableBlocks* unreadable = nullptr);

  [[nodiscard]] const std::string& path() const { return path_; }

  [[nodiscard]] std::uint64_t file_bytes() const { return file_bytes_; }

  /// Where entries may begin, and must end: the trailer's first byte.
  [[nodiscard]] std::uint64_t entries_begin() const { return entries_begin_; }

  [[nodiscard]] std::uint64_t entries_end() const { return entries_end_; }

  [[nodiscard]] std::uint64_t entry_count() const { return entry_count_; }

  [[nodiscard]] const Digest& trailer() const { return trailer_; }

  /// A number no other open pack of this process has.
  [[nodiscard]] std::uint64_t serial() const { return serial_; }

  [[nodiscard]] bool mapped() const { return map_ != nullptr; }

  /// Requires mapped() and a range inside the file.
  [[nodiscard]] Bytes view(std::uint64_t offset, std::uint64_t size) const {
    return view_.subspan(offset, size);
  }

  /// Asks for the lines of memory around `offset`, which may be any number.
  void prefetch(std::uint64_t offset) const {
    if (offset >= view_.size()) return;
    __builtin_prefetch(view_.data() + offset);
    __builtin_prefetch(view_.data() + offset + 64);
  }

  /// Fills `out` from the file. kCorrupt if the file has become shorter than it was.
  Result<void> read(std::uint64_t offset, MutableBytes out) const;

  [[nodiscard]] File& file() const { return *file_; }

  void release_pages() const {
    if (map_ != nullptr) map_->release_pages();
  }

 private:
  PackBytes() = default;

  Result<void> read_around(std::uint64_t offset, MutableBytes out) const;
  [[nodiscard]] bool touches_unreadable(std::uint64_t offset, std::size_t size) const;

  static Result<PackBytes> open_any(FileSystem& file_system, const std::string& path);

  std::string path_;
  std::unique_ptr<File> file_;
  std::unique_ptr<Mapping> map_;
  Bytes view_;  // of the map
  std::uint64_t file_bytes_ = 0;
  std::uint64_t entries_begin_ = 0;
  std::uint64_t entries_end_ = 0;
  std::uint64_t entry_count_ = 0;
  std::uint64_t serial_ = 0;
  Digest trailer_{};
  UnreadableBlocks* unreadable_ = nullptr;
};

}  // namespace bale
