// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Finding all records in packs, whatever leads to them. For those who cannot go by pointers.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bale/progress.h"
#include "bale/record.h"
#include "bale/store.h"

namespace bale {

struct RecordScanOptions {
  std::uint64_t memory_bytes = 16 << 20;  ///< half of it to walk; at least kMinPackWalkBytes
  std::string scratch_directory;
  const Operation* operation = nullptr;  ///< required
};

/// Calls `use` for each record in these packs of the store, pack by pack, as they lie in them;
/// proven to be what their ids say. Reads all headers, and what Git does not know. Actions of other
/// programs that are no records are overlooked. kCorrupt for a pack without a Git index, and where
/// an entry is damaged. An Error of `use` ends it and comes back.
Result<void> for_each_record(
    const Store& store, const std::vector<std::uint32_t>& packs, const RecordScanOptions& options,
    const std::function<Result<void>(const ObjectId&, const Record&)>& use);

}  // namespace bale
