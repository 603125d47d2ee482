// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Prints errors: one line on standard error, with --json an object on standard output, and an exit
// status.
//
//   0 done   1 failed   2 usage   3 corrupt data   4 not found   5 the source is incomplete
//   130 interrupted (143 by SIGTERM)
//
// All functions are thread-safe.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bale/result.h"

namespace bale::cli {

inline constexpr int kStatusDone = 0;
inline constexpr int kStatusUsage = 2;
inline constexpr int kStatusCorrupt = 3;
inline constexpr int kStatusIncomplete = 5;

/// The exit status for an error. 130 for kInterrupted: see interrupted_status() for the signal's.
[[nodiscard]] int exit_status(ErrorCode code);

/// The exit status for a check's errors: 0 without any, 1 if all are kIo, else 3.
[[nodiscard]] int status_of(const std::vector<Error>& errors);

/// "bale: corrupt data: PATH: what (what to do)", with its line end. One line without control
/// characters, whatever the message.
[[nodiscard]] std::string error_line(const Error& error);

/// The message, and what its hint means for the command line: "PATH: what (what to do)".
[[nodiscard]] std::string with_advice(const Error& error);
[[nodiscard]] std::vector<std::string> with_advice(const std::vector<Error>& errors);

/// The Error of a part of a verb that had too little memory, with a hint for the whole verb: parts
/// have shares of the verb's `memory_bytes`, and grow with it. Other Errors as they are.
[[nodiscard]] Error advised(Error error, std::uint64_t memory_bytes);

/// Writes `line`, which has its line end, to standard error; ignores failures.
void print_line(std::string_view line);

/// "bale: TEXT" on standard error: a note that is not an error.
void print_note(std::string_view text);

/// {"code":...,"message":...}, with the message of error_line().
[[nodiscard]] std::string error_object(const Error& error);

/// An array of such objects.
[[nodiscard]] std::string error_objects(const std::vector<Error>& errors);

/// {"error":{"code":...,"message":...}}, without a line end.
[[nodiscard]] std::string error_json(const Error& error);

}  // namespace bale::cli
