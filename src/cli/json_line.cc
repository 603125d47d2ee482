// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Writing JSON. Keys are names of ours; values are percent-encoded first, which leaves UTF-8
// without control characters, so that only quotes and backslashes need an escape.

#include "cli/json_line.h"

#include <fmt/core.h>

#include "object/percent.h"

namespace bale::cli {

std::string json_strings(std::span<const std::string> strings) {
  std::string array;
  for (const std::string& text : strings) {
    array += (array.empty() ? "" : ",") + json_string(text);
  }
  return "[" + array + "]";
}

std::string json_string(std::string_view bytes) {
  std::string quoted = "\"";
  for (const char c : percent_encode(bytes)) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  quoted += '"';
  return quoted;
}

JsonLine& JsonLine::value(std::string_view key, std::string_view json) {
  if (!members_.empty()) members_ += ',';
  members_ += '"';
  members_ += key;
  members_ += "\":";
  members_ += json;
  return *this;
}

JsonLine& JsonLine::text(std::string_view key, std::string_view bytes) {
  return value(key, json_string(bytes));
}

JsonLine& JsonLine::text_or_null(std::string_view key, const std::optional<std::string>& bytes) {
  return value(key, bytes ? json_string(*bytes) : "null");
}

JsonLine& JsonLine::number(std::string_view key, std::uint64_t number) {
  return value(key, fmt::format("{}", number));
}

JsonLine& JsonLine::seconds(std::string_view key, double seconds) {
  return value(key, fmt::format("{:.6f}", seconds));
}

}  // namespace bale::cli
