// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Declares a verb's options and arguments: a thin layer over CLI11, which takes seconds to compile,
// so that only arguments.cc and app.cc include it.
//
//   arguments.required("PACK", "the pack", options->pack);
//   arguments.flag("--paths", "the stream carries path hints", options->paths);
//
// A declaration's target must live until the command line has been parsed. Malformed text is a
// usage error. Not thread-safe.

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

  /// A required positional argument.
  void required(const std::string& name, const std::string& what, std::string& to);

  /// An optional positional argument; without it `to` is unchanged.
  void optional(const std::string& name, const std::string& what, std::string& to);

  /// Any number of arguments.
  void list(const std::string& name, const std::string& what, std::vector<std::string>& to);

  void flag(const std::string& name, const std::string& what, bool& to);

  /// An option with a value; `value_name` names the value in the help.
  void text(const std::string& name, const std::string& value_name, const std::string& what,
            std::string& to);

  /// The same, if an empty value differs from none.
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
