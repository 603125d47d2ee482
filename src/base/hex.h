// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Hexadecimal digits to bytes and back.

#pragma once

#include <string>
#include <string_view>

#include "bale/bytes.h"

namespace bale {

/// Two lower-case digits a byte.
[[nodiscard]] std::string to_hex(Bytes bytes);

/// Fills `out` from exactly 2 * out.size() digits in any case; false if `hex` is anything else.
[[nodiscard]] bool parse_hex(std::string_view hex, MutableBytes out);

/// The value of one digit, or -1.
[[nodiscard]] int hex_digit(char c);

}  // namespace bale
