// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The checksum that ends every file of the formats but the pack's: the BLAKE3 of all bytes before
// it.

#pragma once

#include <string>

#include "bale/file_system.h"
#include "bale/result.h"

namespace bale {

/// kCorrupt, with `path`, where a mapped file does not end in the BLAKE3 of what stands before.
/// Gives its pages back as it goes, so that 256 KiB are resident. Requires 32 bytes or more.
Result<void> check_ending_checksum(Mapping& file, const std::string& path);

}  // namespace bale
