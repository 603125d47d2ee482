// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Bytes as text: names and paths are bytes to Git and to file systems, but JSON and terminals
// require UTF-8 on one line. Other bytes, and '%', become %XX with upper-case digits. Thread-safe.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "bale/result.h"

namespace bale {

/// The length (1 to 4) of the UTF-8 sequence at the start of `text`, or 0.
[[nodiscard]] std::size_t utf8_sequence_bytes(std::string_view text);

/// Whether all of `text` is UTF-8: no overlong form, no surrogate, nothing above U+10FFFF.
[[nodiscard]] bool is_valid_utf8(std::string_view text);

/// Valid UTF-8 without line ends, for any bytes: '%', control characters (0x00 to 0x1F, 0x7F) and
/// each byte outside valid sequences become %XX. At most three times as long.
[[nodiscard]] std::string percent_encode(std::string_view bytes);

/// Undoes percent_encode(). Digits may be of any case, and any byte may be written %XX.
/// kInvalidArgument for a '%' without two hex digits.
[[nodiscard]] Result<std::string> percent_decode(std::string_view text);

}  // namespace bale
