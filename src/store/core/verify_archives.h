// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Archives whose records are in the packs and that have no file in archives/: it is lost, or their
// first import died after its pack was there, and before it had made the file. Nothing tells the
// one from the other.

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bale/store.h"
#include "bale/store_verifier.h"
#include "store/core/pack_set.h"
#include "store/core/record_scan.h"

namespace bale {

/// Sorted by name. `has_file` says which archives had one before `packs` was made. An archive that
/// has got one since then, or is being imported now, is none of them: takes the lock of each in
/// question for a moment, shared.
Result<std::vector<ArchiveWithoutFile>> archives_without_file(
    const Snapshot& store, const PackSet& packs, const RecordScanOptions& options,
    const std::function<bool(const std::string& archive)>& has_file);

}  // namespace bale
