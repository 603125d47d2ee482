// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The program: parses and runs its command line.

#pragma once

#include <string>
#include <vector>

namespace bale::cli {

/// Runs `bale` with these arguments (without the program's name) and returns its exit status.
/// Writes to standard output and standard error. Call install_signal_handlers() before.
[[nodiscard]] int run_program(const std::vector<std::string>& arguments);

}  // namespace bale::cli
