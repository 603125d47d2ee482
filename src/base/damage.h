// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Classifies Errors, so that "damage" means the same in all rooms.
#pragma once

#include "bale/result.h"

namespace bale {

/// The bytes are wrong or missing: only another copy helps.
[[nodiscard]] inline bool is_damage(const Error& error) {
  return error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kNotFound;
}

/// A file or object exists but cannot be read: damage, a newer format, or an I/O error. Other data
/// is not affected. A missing file does not count: it may have been replaced, so the caller should
/// look again.
[[nodiscard]] inline bool is_unreadable(const Error& error) {
  return error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kUnsupported ||
         error.code == ErrorCode::kIo;
}

}  // namespace bale
