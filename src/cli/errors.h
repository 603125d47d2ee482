// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Errors as the program shows them: one line on standard error, perhaps one JSON object on standard
// output, and an exit status.
//
//   0 done   1 failed   2 usage   3 corrupt data   4 not found   5 the source is incomplete
//   130 interrupted (143 by SIGTERM)
//
// All functions are safe from any thread.

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

/// The exit status for an error. For kInterrupted 130: which signal came, signals.h knows.
[[nodiscard]] int exit_status(ErrorCode code);

/// The exit status for findings: 0 without any, 1 if all are kIo, else 3.
[[nodiscard]] int status_of(const std::vector<Error>& errors);

/// "bale: corrupt data: PATH: what (what to do)", with its line end. Whatever bytes the message
/// holds, it stays one line, and does nothing to a terminal.
[[nodiscard]] std::string error_line(const Error& error);

/// An Error of a part of a verb that had too little memory, with advice on --memory instead: parts
/// have shares of the verb's `memory_bytes`, and grow with it. Other Errors as they are.
[[nodiscard]] Error advised(Error error, std::uint64_t memory_bytes);

/// Puts `line`, with its line end, on standard error; what cannot be put there is lost.
void print_line(std::string_view line);

/// "bale: TEXT" on standard error: a note that is not an error.
void print_note(std::string_view text);

/// {"code":...,"message":...}, the message as error_line() has it.
[[nodiscard]] std::string error_object(const Error& error);

/// An array of such objects.
[[nodiscard]] std::string error_objects(const std::vector<Error>& errors);

/// {"error":{"code":...,"message":...}}, without a line end.
[[nodiscard]] std::string error_json(const Error& error);

}  // namespace bale::cli
