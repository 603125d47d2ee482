// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Signals: Ctrl-C and the like ask the operation to stop and clean up; truncating a mapped file
// ends the program with one error; a closed pipe is an error of write(2).

#pragma once

#include <atomic>
#include <string_view>

namespace bale::cli {

/// Installs the handlers; opens /dev/null for closed standard streams, so that no other file gets
/// their numbers. Call it once, before anything else.
void install_signal_handlers();

/// True after SIGINT, SIGTERM or SIGHUP. A second one ends the program at once.
[[nodiscard]] const std::atomic<bool>& cancel_flag();

/// The signal's exit status: 130 for SIGINT or none, 143 for SIGTERM, 129 for SIGHUP.
[[nodiscard]] int interrupted_status();

/// Sets the pack or store named in the error about a truncated mapped file. Not thread-safe.
void name_mapped_files(std::string_view where, bool json);

}  // namespace bale::cli
