// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The command `bale`. The code is in app.cc.

#include "cli/app.h"
#include "cli/signals.h"

int main(int argc, char** argv) {
  bale::cli::install_signal_handlers();
  return bale::cli::run_program({argv + (argc > 0 ? 1 : 0), argv + argc});
}
