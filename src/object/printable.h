// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Names and paths are bytes to Git and to file systems. This is how people and scripts see them:
//
//   plain     UTF-8 without control characters, line separators (U+2028, U+2029) and characters
//             that reorder text (U+202A to U+202E, U+2066 to U+2069)
//   quoted    what `git -c core.quotePath=false ls-files` prints: a plain name as it is; a name
//   with
//             '"', '\' or anything not plain in double quotes, with \a \b \t \n \v \f \r \" \\ and
//             \ooo for any other byte
//   escaped   for sentences: the same escapes, no quotes, and '"' and '\' as they are
//
// Records of archives have their own form (object/percent.h). Safe from any thread.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bale {

/// How many bytes (1 to 4) the plain character at the start of `text` has; 0 if none is there.
[[nodiscard]] std::size_t plain_character_bytes(std::string_view text);

/// A name as one column of a line. Different names give different text.
[[nodiscard]] std::string quoted_name(std::string_view bytes);

/// A name as one word of a shell's command line, for commands that messages advise: as it is, or in
/// single quotes.
[[nodiscard]] std::string shell_word(std::string_view bytes);

/// A sentence as one line that does nothing to a terminal. Not reversible.
[[nodiscard]] std::string escaped(std::string_view bytes);

/// A name in a sentence is cut to this before it is escaped: all that a file system allows.
inline constexpr std::size_t kMaxQuotedBytes = 255;

/// UTF-8 for any bytes: U+FFFD for each longest beginning of a sequence that does not go on, as the
/// Unicode standard recommends (and Python, Rust and browsers do).
[[nodiscard]] std::string lossy_utf8(std::string_view bytes);

}  // namespace bale
