// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Checks names of tree entries before they become file names. Trees are untrusted, and a file
// written to "../x" or into ".git" can take over the user's account. Thread-safe.

#pragma once

#include <string_view>

#include "bale/result.h"

namespace bale {

/// kCorrupt for a name that must not be written: empty, ".", "..", with '/' or a zero byte, and any
/// name that a file system may treat as ".git": in any case, with code points that HFS+ ignores, or
/// for NTFS ("git~1", trailing dots and spaces, ":stream", after a '\').
[[nodiscard]] Result<void> check_entry_name(std::string_view name);

}  // namespace bale
