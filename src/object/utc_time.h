// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Points in time as text: "2026-11-22T14:56:00Z". Thread-safe.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bale {

/// ISO 8601 in UTC for seconds since 1970. A time outside the years 0 to 9999 becomes the nearest
/// one inside.
[[nodiscard]] std::string format_utc(std::int64_t seconds);

/// Seconds since 1970 for exactly the form of format_utc(); nullopt for any other text.
[[nodiscard]] std::optional<std::int64_t> parse_utc(std::string_view text);

}  // namespace bale
