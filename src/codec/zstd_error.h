// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Converts zstd's decompression errors to Errors.
#pragma once

#include <zstd.h>

#include "bale/result.h"
#include "base/error.h"

namespace bale {

/// `zstd_code` is a size for which ZSTD_isError() holds.
inline Error damaged_frame(std::size_t zstd_code) {
  return fail(ErrorCode::kCorrupt, "compressed data is damaged ({})", ZSTD_getErrorName(zstd_code));
}

}  // namespace bale
