// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What an Error says about the data it was reading. All rooms ask here, so that "damage" means the
// same everywhere.
#pragma once

#include "bale/result.h"

namespace bale {

/// The bytes are wrong, or gone: reading again does not help, another copy does.
[[nodiscard]] inline bool is_damage(const Error& error) {
  return error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kNotFound;
}

/// One file or object exists and cannot be read: it is damaged, of a newer format, or the system
/// refuses it. Nothing else is affected. A file that is gone does not count: somebody may have
/// replaced it, and the caller should look again.
[[nodiscard]] inline bool is_unreadable(const Error& error) {
  return error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kUnsupported ||
         error.code == ErrorCode::kIo;
}

}  // namespace bale
