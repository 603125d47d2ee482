// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Names and paths are bytes to Git and to file systems. Output shows them in these forms:
//
//   plain     UTF-8 without control characters, line separators (U+2028, U+2029) and characters
//             that reorder text (U+202A to U+202E, U+2066 to U+2069)
//   quoted    as `git -c core.quotePath=false ls-files`: a plain name unchanged; a name with
//             '"', '\' or anything not plain in double quotes, with \a \b \t \n \v \f \r \" \\ and
//             \ooo for any other byte
//   escaped   for sentences: the same escapes, no quotes, and '"' and '\' as they are
//
// Records of archives have their own form (object/percent.h). Thread-safe.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bale {

/// The length (1 to 4) of the plain character at the start of `text`, or 0.
[[nodiscard]] std::size_t plain_character_bytes(std::string_view text);

/// A name as one column of a line. Different names give different text.
[[nodiscard]] std::string quoted_name(std::string_view bytes);

/// A name as one word of a shell command, for commands in messages: unchanged, or in single quotes.
[[nodiscard]] std::string shell_word(std::string_view bytes);

/// A sentence as one line without control characters. Not reversible.
[[nodiscard]] std::string escaped(std::string_view bytes);

/// Names in sentences are truncated to this before escaping: a file system's limit.
inline constexpr std::size_t kMaxQuotedBytes = 255;

/// UTF-8 for any bytes: U+FFFD replaces each maximal incomplete sequence, as the Unicode standard
/// recommends (and Python, Rust and browsers do).
[[nodiscard]] std::string lossy_utf8(std::string_view bytes);

}  // namespace bale
