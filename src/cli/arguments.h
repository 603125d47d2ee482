// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// How a verb declares its options and arguments: a thin layer over CLI11, which costs seconds to
// compile and which only arguments.cc and app.cc see.
//
//   arguments.required("PACK", "the pack", options->pack);
//   arguments.flag("--paths", "the stream carries path hints", options->paths);
//
// What a declaration writes to must live until the command line was parsed. Text that is not of the
// form is a usage error of the program. Not thread-safe.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/session.h"

namespace CLI {
class App;
}

namespace bale::cli {

class Arguments {
 public:
  /// `app` must outlive it.
  explicit Arguments(CLI::App& app) : app_(app) {}

  /// An argument by its place; one that must be there.
  void required(const std::string& name, const std::string& what, std::string& to);

  /// An argument by its place; one that may be left out, and then `to` stays as it is.
  void optional(const std::string& name, const std::string& what, std::string& to);

  /// Any number of arguments.
  void list(const std::string& name, const std::string& what, std::vector<std::string>& to);

  void flag(const std::string& name, const std::string& what, bool& to);

  /// An option with a value; `value_name` stands for the value in the help.
  void text(const std::string& name, const std::string& value_name, const std::string& what,
            std::string& to);

  /// The same where an empty value is not the same as none.
  void text(const std::string& name, const std::string& value_name, const std::string& what,
            std::optional<std::string>& to);

  /// A count: decimal digits.
  void count(const std::string& name, const std::string& value_name, const std::string& what,
             std::optional<std::uint64_t>& to);

  /// A number of bytes, as parse_size() reads it.
  void size(const std::string& name, const std::string& what, std::optional<std::uint64_t>& to);

  /// A compression level of zstd, 1..22.
  void level(int& to);

  /// The options that every verb has.
  void common(CommonOptions& to);

 private:
  CLI::App& app_;
};

}  // namespace bale::cli
