// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Finding all records in packs, whatever leads to them; and by them the archives whose files in
// archives/ are gone. For those who cannot go by pointers.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bale/progress.h"
#include "bale/record.h"
#include "bale/store.h"
#include "store/core/archive_recovery.h"

namespace bale {

inline constexpr std::uint64_t kMinRecordScanBytes = 5 << 20;

struct RecordScanOptions {
  std::uint64_t memory_bytes =
      16 << 20;  ///< at least kMinRecordScanBytes; half of it, or kAnyObjectBytes, to read
  std::string scratch_directory;
  const Operation* operation = nullptr;  ///< required
  /// Told of an entry that cannot be read and may be a record; an Error of it ends the scan. Packs
  /// that cannot be opened, and records of their indexes that make no sense, are overlooked then.
  /// Empty: all of that ends the scan.
  std::function<Result<void>(const ObjectLocation&, const Error&)> on_damage;
};

/// Calls `use` for each record in these packs of the store, pack by pack, as they lie in them;
/// proven to be what their ids say. Reads the packs' indexes, and of the packs what no Git id leads
/// to: without a Git index, the headers of all. Actions that are no records are overlooked. An
/// Error of `use` ends it and comes back.
Result<void> for_each_record(
    const Snapshot& store, const std::vector<std::uint32_t>& packs,
    const RecordScanOptions& options,
    const std::function<Result<void>(const ObjectId&, const Record&)>& use);

/// The archives that records in these packs tell of, but for those that `is_known` says to be known
/// better; sorted by name. `recovery` may have records already that were found elsewhere.
/// Memory: see ArchiveRecovery, for the records of those that are returned.
Result<std::vector<RecoveredArchive>> recover_archives(
    const Snapshot& store, const std::vector<std::uint32_t>& packs,
    const RecordScanOptions& options,
    const std::function<bool(const std::string& archive)>& is_known, ArchiveRecovery recovery = {});

}  // namespace bale
