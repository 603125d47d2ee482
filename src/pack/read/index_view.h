// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// IndexView: a pack's index, searched where it lies in the file. Opening reads its header, its
// trailer and the first and last record of each kind, whatever its size; a look-up touches a few
// pages.
//
// Thread-safe: nothing changes but hints for look-ups, which take 8 KiB a kind of id.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "bale/file_system.h"
#include "bale/pack_reader.h"
#include "bale/result.h"
#include "format/container.h"
#include "pack/read/record_table.h"

namespace bale {

class IndexView {
 public:
  /// Checks header and sizes. kCorrupt, with the path, where they make no sense.
  [[nodiscard]] static Result<IndexView> open(FileSystem& file_system, const std::string& path);

  /// The same for a file that is open already; `path` is for messages.
  [[nodiscard]] static Result<IndexView> from_file(File& file, const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }

  [[nodiscard]] std::uint64_t record_count() const { return layout_.record_count(); }

  [[nodiscard]] std::uint64_t file_bytes() const { return map_->bytes().size(); }

  /// What ties it to its pack; nullopt for an index of another writer.
  [[nodiscard]] const std::optional<IndexTrailer>& trailer() const { return trailer_; }

  [[nodiscard]] std::optional<std::uint64_t> find(const ObjectId& id) const;

  /// find() of each id, with the waiting for memory shared by kLookupsAtOnce of them. Requires as
  /// many `offsets` as `ids`.
  void find_many(std::span<const ObjectId> ids,
                 std::span<std::optional<std::uint64_t>> offsets) const;

  static constexpr std::size_t kLookupsAtOnce = 64;

  /// Requires position < record_count(). kCorrupt for a record whose tag is not that of its area.
  [[nodiscard]] Result<IndexRecord> record(std::uint64_t position) const;

  /// Whether record number `position` is this one, tag and all: the quick way where one expects it.
  /// Requires position < record_count().
  [[nodiscard]] bool record_is(std::uint64_t position, const SortRecord& record) const;

  [[nodiscard]] std::uint64_t lower_bound(const ObjectId& id) const;

  /// kCorrupt, with the path, where the file does not end in the checksum of its bytes. One without
  /// trailer() has none to check.
  Result<void> check_checksum() const;

  void release_pages() const { map_->release_pages(); }

 private:
  IndexView() = default;

  void find_group(std::span<const ObjectId> ids,
                  std::span<std::optional<std::uint64_t>> offsets) const;

  [[nodiscard]] const RecordTable& table(IdKind kind) const {
    return kind == IdKind::kContentHash ? hashes_ : changes_;
  }

  std::string path_;
  std::unique_ptr<Mapping> map_;
  IndexLayout layout_;
  std::optional<IndexTrailer> trailer_;
  RecordTable hashes_;
  RecordTable changes_;
  std::unique_ptr<GuessMemo> hash_memo_;
  std::unique_ptr<GuessMemo> change_memo_;
};

}  // namespace bale
