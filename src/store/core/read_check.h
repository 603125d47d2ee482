// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Telling a disk that does not give what it holds from other failures: an I/O error says that
// something failed, and not whether that was reading this file.

#pragma once

#include <optional>
#include <string>

#include "bale/file_system.h"
#include "bale/progress.h"
#include "bale/result.h"

namespace bale {

/// Reads the file from end to end, and returns why that failed: kIo, with the first offset that
/// cannot be read, or with the reason why the file cannot be opened. nullopt where all of it can be
/// read. Memory: 1 MiB.
Result<std::optional<Error>> read_failure(FileSystem& file_system, const std::string& path,
                                          const Operation& operation);

}  // namespace bale
