// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Unnamed files in memory, for PackBuilder::in_memory().
//
// A FileSystem with create_unnamed() only; calls that need a name are kUnsupported. The memory is
// not charged to a budget. Thread-safe; a map is a copy made when the file is mapped.

#pragma once

#include <memory>

#include "bale/file_system.h"

namespace bale {

/// Its files may outlive it.
[[nodiscard]] std::unique_ptr<FileSystem> make_memory_files();

}  // namespace bale
