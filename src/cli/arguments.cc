// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Declares options and arguments with CLI11. CLI11 and the callbacks here report errors by
// exceptions, which app.cc catches.

#include "cli/arguments.h"

#include <CLI/CLI.hpp>
#include <functional>

#include "cli/sizes.h"
#include "codec/zstd.h"

namespace bale::cli {
namespace {

// An option parsed by `parse`; if repeated, the last one counts.
void add_parsed(CLI::App& app, const std::string& name, const std::string& value_name,
                const std::string& what, const std::string& expected,
                const std::function<bool(const std::string&)>& parse) {
  app.add_option_function<std::string>(
         name,
         [=](const std::string& text) {
           if (!parse(text)) {
             throw CLI::ValidationError(name, "'" + text + "' is not " + expected);
           }
         },
         what)
      ->type_name(value_name)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

}  // namespace

void Arguments::required(const std::string& name, const std::string& what, std::string& to) {
  app_.add_option(name, to, what)->required()->type_name("");
}

void Arguments::optional(const std::string& name, const std::string& what, std::string& to) {
  app_.add_option(name, to, what)->type_name("");
}

void Arguments::list(const std::string& name, const std::string& what,
                     std::vector<std::string>& to) {
  app_.add_option(name, to, what)->type_name("");
}

void Arguments::flag(const std::string& name, const std::string& what, bool& to) {
  // Repeating a flag has no effect.
  app_.add_flag_callback(
          name, [&to] { to = true; }, what)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void Arguments::text(const std::string& name, const std::string& value_name,
                     const std::string& what, std::string& to) {
  app_.add_option(name, to, what)
      ->type_name(value_name)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void Arguments::text(const std::string& name, const std::string& value_name,
                     const std::string& what, std::optional<std::string>& to) {
  app_.add_option_function<std::string>(
          name, [&to](const std::string& text) { to = text; }, what)
      ->type_name(value_name)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void Arguments::count(const std::string& name, const std::string& value_name,
                      const std::string& what, std::optional<std::uint64_t>& to) {
  add_parsed(app_, name, value_name, what, "a count", [&to](const std::string& text) {
    to = parse_count(text);
    return to.has_value();
  });
}

void Arguments::size(const std::string& name, const std::string& what,
                     std::optional<std::uint64_t>& to) {
  add_parsed(app_, name, "SIZE", what, "a size like 10M, 1G or 1048576",
             [&to](const std::string& text) {
               to = parse_size(text);
               return to.has_value();
             });
}

void Arguments::level(int& to) {
  add_parsed(app_, "--level", "L", "compression level, 1 to 22 (3)", "a level from 1 to 22",
             [&to](const std::string& text) {
               const auto level = parse_count(text);
               if (!level || *level < 1 || *level > kMaxLevel) return false;
               to = static_cast<int>(*level);
               return true;
             });
}

void Arguments::common(CommonOptions& to) {
  text("--store", "DIR", "store directory (default: $BALE_STORE)", to.store);
  flag("--json", "print JSON: one object; for lists, one per line (bale help json)", to.json);
  flag("-q,--quiet", "no progress, no summary", to.quiet);
  add_parsed(app_, "--progress", "WHEN", "auto, always or never; auto: on a terminal",
             "auto, always or never", [&to](const std::string& text) {
               if (text == "auto")
                 to.progress = ProgressMode::kAuto;
               else if (text == "always")
                 to.progress = ProgressMode::kAlways;
               else if (text == "never")
                 to.progress = ProgressMode::kNever;
               else
                 return false;
               return true;
             });
  size("--memory", "memory to use (default: 64M; pack verbs 16M)", to.memory_bytes);
  add_parsed(app_, "--threads", "N",
             "threads for compression, hashing and writing (default: one per processor)",
             "a number of threads", [&to](const std::string& text) {
               to.threads = parse_count(text);
               return to.threads.has_value() && *to.threads > 0;
             });
  for (const char* name : {"--store", "--json", "--quiet", "--progress", "--memory", "--threads"}) {
    app_.get_option(name)->group("Common options");
  }
}

}  // namespace bale::cli
