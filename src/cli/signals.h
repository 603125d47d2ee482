// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Signals: Ctrl-C and its kin ask the running operation to stop and clean up; a file that shrinks
// under a map ends the program with one plain error; a closed pipe is an error of write(2).

#pragma once

#include <atomic>
#include <string_view>

namespace bale::cli {

/// Installs the handlers; opens /dev/null in the place of a standard stream that is closed, so that
/// no file of ours is ever taken for one. Call it once, before anything else.
void install_signal_handlers();

/// True once SIGINT, SIGTERM or SIGHUP came. A second one ends the program at once.
[[nodiscard]] const std::atomic<bool>& cancel_flag();

/// The exit status that tells of the signal: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP. 130
/// where none came.
[[nodiscard]] int interrupted_status();

/// What to name where a mapped file turns out shorter than it was: a pack, a store. Not
/// thread-safe.
void name_mapped_files(std::string_view where, bool json);

}  // namespace bale::cli
