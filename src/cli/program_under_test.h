// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// For tests: runs the built program `bale` as a script would, and collects all output.

#pragma once

#include <sys/types.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "bale/bytes.h"
#include "bale/object.h"

namespace bale::cli {

/// A finished run. `status` is the exit status, or minus the number of a signal.
struct FinishedRun {
  int status = 0;
  std::string out;
  std::string err;
};

/// A run's standard streams; -1: a file of its own.
struct StandardStreams {
  int in = -1;
  int out = -1;
};

/// One run of the program, perhaps unfinished. The destructor waits for its end.
class ProgramRun {
 public:
  /// Starts `bale` with these arguments, `input` on standard input, and BALE_STORE set if
  /// `store_variable` is not empty. Descriptors in `streams` stay the caller's.
  explicit ProgramRun(const std::vector<std::string>& arguments, std::string_view input = {},
                      StandardStreams streams = {}, const std::string& store_variable = {});
  ProgramRun(const ProgramRun&) = delete;
  ProgramRun& operator=(const ProgramRun&) = delete;
  ~ProgramRun();

  [[nodiscard]] pid_t pid() const { return pid_; }

  /// Waits for its end.
  FinishedRun finish();

 private:
  pid_t pid_ = -1;
  int in_ = -1;
  int out_ = -1;
  int err_ = -1;
  bool finished_ = false;
};

/// Runs the program to its end.
FinishedRun run_bale(const std::vector<std::string>& arguments, std::string_view input = {});

/// The lines of a text that ends with a line end.
std::vector<std::string> lines_of(const std::string& text);

/// Each line as JSON; a test failure where one is not.
std::vector<nlohmann::json> json_lines(const std::string& text);

/// The whole content of a file; a test failure if it cannot be read.
std::string read_file(const std::string& path);

void write_file(const std::string& path, std::string_view content);

/// The names in a directory, sorted.
std::vector<std::string> names_in(const std::string& directory);

/// The directory with packs of another writer; empty if it does not exist.
std::string golden_directory();

/// One object in the form of an object stream, with its content hash as id.
std::string framed_blob(std::string_view payload);

}  // namespace bale::cli
