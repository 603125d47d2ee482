// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Files without names, in memory: what PackBuilder::in_memory() builds into.
//
// A FileSystem with create_unnamed() only; everything that needs a name is kUnsupported. The memory
// is the file's own and not charged to a budget. Thread-safe as every FileSystem; a map is a copy
// of the file as it was when it was mapped.

#pragma once

#include <memory>

#include "bale/file_system.h"

namespace bale {

/// Its files may outlive it.
[[nodiscard]] std::unique_ptr<FileSystem> make_memory_files();

}  // namespace bale
