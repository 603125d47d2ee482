// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Bytes as text: names and paths are bytes to Git and to file systems, but JSON and terminals want
// UTF-8 on one line. What is not, and '%' itself, is written %XX with upper-case digits.
// Safe from any thread.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "bale/result.h"

namespace bale {

/// How many bytes (1 to 4) the UTF-8 sequence at the start of `text` has; 0 if none stands there.
[[nodiscard]] std::size_t utf8_sequence_bytes(std::string_view text);

/// Whether all of `text` is UTF-8: no overlong form, no surrogate, nothing above U+10FFFF.
[[nodiscard]] bool is_valid_utf8(std::string_view text);

/// Valid UTF-8 without line ends, for any bytes: '%', control characters (0x00 to 0x1F, 0x7F) and
/// each byte that belongs to no valid sequence become %XX. At most three times as long.
[[nodiscard]] std::string percent_encode(std::string_view bytes);

/// The bytes again, exactly. Digits may be of any case, and any byte may be written %XX; a '%'
/// without two hex digits after it is kInvalidArgument.
[[nodiscard]] Result<std::string> percent_decode(std::string_view text);

}  // namespace bale
