// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Which names out of a tree may become names in a directory. Trees come from strangers, and a file
// that is written to "../x" or into ".git" can take over the account that unpacks it.
// Safe from any thread.

#pragma once

#include <string_view>

#include "bale/result.h"

namespace bale {

/// kCorrupt for a name that must not be written: empty, ".", "..", with '/' or a zero byte inside,
/// and ".git" however a file system may see it: in any case, with the code points that HFS+
/// overlooks, or as NTFS has it ("git~1", dots and spaces at the end, ":stream", behind a '\').
[[nodiscard]] Result<void> check_entry_name(std::string_view name);

}  // namespace bale
