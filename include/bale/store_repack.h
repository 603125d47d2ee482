// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Making few packs of many.
//
//   auto summary = bale::repack_store(store, {});
//   if (!summary) return summary.error();

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bale/export.h"
#include "bale/result.h"
#include "bale/store.h"
#include "bale/work_options.h"

namespace bale {

struct RepackOptions {
  /// Packs of at most so many bytes of stored payload; those that are nearly as large already are
  /// left alone. 0: one pack for each kind of Git id.
  std::uint64_t max_pack_bytes = 0;
  /// Decode every object, compress it anew at `level`, and find its base anew. Otherwise entries
  /// are taken over as they are stored.
  bool recompress = false;
  /// The same, in an order that brings together what resembles each other, whichever import brought
  /// it: bases are found across them. Implies recompress.
  bool find_bases = false;
  int level = 3;
  bool dry_run = false;  ///< say what would be done, and do nothing
  WorkOptions work{};
};

struct RepackSummary {
  std::uint64_t packs_before = 0;
  std::uint64_t packs_after = 0;
  std::uint64_t objects = 0;       ///< that were copied
  std::uint64_t duplicates = 0;    ///< entries that another pack has too, and that were dropped
  std::uint64_t bytes_before = 0;  ///< of the packs that were replaced, with their indexes
  std::uint64_t bytes_after = 0;   ///< of what replaced them; 0 where that was not tried
  std::vector<std::string> packs_made;
  std::vector<Error> damaged;  ///< packs that were left alone because they are damaged
};

/// The smallest memory_bytes for these options.
[[nodiscard]] BALE_EXPORT std::uint64_t smallest_repack_memory_bytes(const RepackOptions& options);

/// With find_bases: from so much memory_bytes on, objects of up to 1 MiB become deltas; with less,
/// objects of up to 256 KiB.
[[nodiscard]] BALE_EXPORT std::uint64_t full_search_repack_memory_bytes(
    const RepackOptions& options);

/// Copies all packs of the store into one for each kind of Git id (or several of max_pack_bytes),
/// drops entries that are there twice, and takes the old packs away. Imports may run beside it: it
/// waits for them only when it takes packs away, and those that come then wait for it. Readers go
/// on, in the old packs if they have them open. Each pack's checksum is verified first; damaged
/// ones are left alone.
///
/// However it ends, nothing is lost: old packs go when the new ones are durable. With dry_run the
/// summary says what would be replaced; bytes_after is then known only where nothing is compressed
/// anew.
///
/// kInvalidArgument for options that make no sense, or too little memory, with what would do;
/// kInterrupted. Memory: work.memory_bytes. Refreshes the store.
BALE_EXPORT Result<RepackSummary> repack_store(Store& store, const RepackOptions& options);

}  // namespace bale
