// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// GitIndexView: a pack's .gitidx, searched where it lies in the file: from a Git object id to the
// offset of its entry. The grammar is in format/git_index.h.
//
// Thread-safe: nothing changes.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "bale/file_system.h"
#include "bale/git_oid.h"
#include "bale/result.h"
#include "format/git_index.h"
#include "pack/read/record_table.h"

namespace bale {

class GitIndexView {
 public:
  /// A record of the index, and its number in it.
  struct Found {
    std::uint64_t position = 0;
    std::uint64_t offset = 0;
  };

  /// Checks header, size and that it belongs to the pack with this trailer. kCorrupt otherwise.
  [[nodiscard]] static Result<GitIndexView> open(FileSystem& file_system, const std::string& path,
                                                 const Digest& pack_trailer);

  [[nodiscard]] GitHash hash() const { return header_.hash; }

  [[nodiscard]] std::uint64_t record_count() const { return header_.record_count; }

  [[nodiscard]] std::uint64_t file_bytes() const { return map_->bytes().size(); }

  /// nullopt also for an id of the other hash.
  [[nodiscard]] std::optional<Found> find(const GitOid& oid) const;

  /// Requires position < record_count().
  [[nodiscard]] GitOid oid(std::uint64_t position) const;
  [[nodiscard]] std::uint64_t offset(std::uint64_t position) const;

  /// The first position whose id is not below `oid`, an id of this hash.
  [[nodiscard]] std::uint64_t lower_bound(const GitOid& oid) const;

  /// Reads all of the file. kCorrupt if its checksum or its order is not right.
  Result<void> check() const;

  void release_pages() const { map_->release_pages(); }

 private:
  GitIndexView() = default;

  std::string path_;
  std::unique_ptr<Mapping> map_;
  GitIndexHeader header_;
  RecordTable records_;
};

}  // namespace bale
