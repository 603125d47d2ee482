// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Counts and sizes of a store's contents.

#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "bale/export.h"
#include "bale/result.h"
#include "bale/store.h"
#include "bale/work_options.h"

namespace bale {

struct TypeStatistics {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;         ///< of payloads
  std::uint64_t stored_bytes = 0;  ///< of stored payloads
};

struct BALE_EXPORT StoreStatistics {
  std::uint64_t archives = 0;  ///< those that cannot be read too
  std::uint64_t records = 0;   ///< that can be read
  std::uint64_t packs = 0;
  std::uint64_t pack_bytes = 0;
  std::uint64_t index_bytes = 0;        ///< of .idx and .gitidx files
  std::uint64_t objects = 0;            ///< entries of all packs, records included
  std::array<TypeStatistics, 4> types;  ///< by ObjectType; records are actions
  TypeStatistics record_entries;        ///< of the actions, those that are records
  std::uint64_t deltas = 0;
  std::vector<std::uint64_t> objects_by_depth;  ///< [n]: entries that need n deltas
  std::uint64_t archive_objects = 0;            ///< reached by the newest records, summed
  std::uint64_t archive_objects_new = 0;        ///< added by all records, summed
  std::uint64_t missing = 0;                    ///< lacking in the newest records' sources, summed

  /// Unreadable packs, indexes and archives, and archives with an unreadable older record. The
  /// numbers do not, or only partly, include their contents. Without its Git index, a pack's
  /// records count as tags.
  std::vector<Error> errors;

  [[nodiscard]] std::uint64_t bytes() const;
  [[nodiscard]] std::uint64_t stored_bytes() const;

  /// bytes / stored_bytes; 0 for an empty store.
  [[nodiscard]] double compression_ratio() const;

  /// How many archives share an object, on average; 0 for an empty store.
  [[nodiscard]] double dedup_ratio() const;
};

/// Reads the header of every entry. Memory: work.memory_bytes.
BALE_EXPORT Result<StoreStatistics> store_statistics(const Snapshot& store,
                                                     const WorkOptions& work = {});

}  // namespace bale
