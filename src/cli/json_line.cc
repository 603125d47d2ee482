// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Writes JSON. Keys are our own. Strings are UTF-8, with control characters and line separators as
// \uXXXX, so that an object is one harmless line.

#include "cli/json_line.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/hex.h"
#include "object/percent.h"
#include "object/printable.h"

namespace bale::cli {

namespace {

// Characters that are not plain are in the first plane, so one \uXXXX is enough.
std::uint32_t code_point(std::string_view sequence) {
  const auto byte = [sequence](std::size_t i) { return static_cast<unsigned char>(sequence[i]); };
  if (sequence.size() == 1) return byte(0);
  if (sequence.size() == 2) return (byte(0) & 0x1Fu) << 6 | (byte(1) & 0x3Fu);
  return (byte(0) & 0x0Fu) << 12 | (byte(1) & 0x3Fu) << 6 | (byte(2) & 0x3Fu);
}

std::string json_hex(std::string_view bytes) {
  return '"' + to_hex(as_bytes(bytes)) + '"';
}

// The items of an array: each string as `write` formats it.
std::string json_array(std::span<const std::string> strings,
                       std::string (*write)(std::string_view)) {
  std::string array;
  for (const std::string& text : strings) array += (array.empty() ? "" : ",") + write(text);
  return "[" + array + "]";
}

}  // namespace

std::string json_strings(std::span<const std::string> strings) {
  return json_array(strings, json_string);
}

std::string json_string(std::string_view bytes) {
  const std::string text = lossy_utf8(bytes);
  std::string json = "\"";
  for (std::string_view left = text; !left.empty();) {
    const std::size_t size = utf8_sequence_bytes(left);
    const std::string_view character = left.substr(0, size);
    if (plain_character_bytes(left) == 0) {
      json += fmt::format("\\u{:04x}", code_point(character));
    } else {
      if (character == "\"" || character == "\\") json += '\\';
      json += character;
    }
    left.remove_prefix(size);
  }
  return json += '"';
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
  value(key, json_string(bytes));
  if (!is_valid_utf8(bytes)) value(std::string(key) + "_hex", json_hex(bytes));
  return *this;
}

JsonLine& JsonLine::texts(std::string_view key, std::span<const std::string> strings) {
  value(key, json_strings(strings));
  if (!std::all_of(strings.begin(), strings.end(), is_valid_utf8)) {
    value(std::string(key) + "_hex", json_array(strings, json_hex));
  }
  return *this;
}

JsonLine& JsonLine::text_or_null(std::string_view key, const std::optional<std::string>& bytes) {
  return bytes ? text(key, *bytes) : value(key, "null");
}

JsonLine& JsonLine::number(std::string_view key, std::uint64_t number) {
  return value(key, fmt::format("{}", number));
}

JsonLine& JsonLine::seconds(std::string_view key, double seconds) {
  return value(key, fmt::format("{:.6f}", seconds));
}

}  // namespace bale::cli
