// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// JSON for scripts: one object on one line, with its keys in the given order.
//
//   JsonLine line;
//   line.text("ref", name).number("objects", 12);
//   out.line(line.object());                       // {"ref":"refs/heads/main","objects":12}
//
// Lists are printed object by object, never collected. Not thread-safe.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace bale::cli {

class JsonLine {
 public:
  /// Any bytes. UTF-8 is unchanged; for other bytes `key` has U+FFFD in place of the invalid ones,
  /// and a member `key`_hex has all of them.
  JsonLine& text(std::string_view key, std::string_view bytes);

  /// An array of such; if any is not UTF-8, followed by an array `key`_hex of all of them.
  JsonLine& texts(std::string_view key, std::span<const std::string> strings);

  /// null for nullopt.
  JsonLine& text_or_null(std::string_view key, const std::optional<std::string>& bytes);

  JsonLine& number(std::string_view key, std::uint64_t number);

  /// With six digits after the point.
  JsonLine& seconds(std::string_view key, double seconds);

  /// A value that is JSON already: an object, an array, null.
  JsonLine& value(std::string_view key, std::string_view json);

  /// The object so far, without a line end.
  [[nodiscard]] std::string object() const { return '{' + members_ + '}'; }

 private:
  std::string members_;
};

/// A JSON array of such strings. Thread-safe.
[[nodiscard]] std::string json_strings(std::span<const std::string> strings);

/// `bytes` as a JSON string with quotes: UTF-8 unchanged, U+FFFD for other bytes. Thread-safe.
[[nodiscard]] std::string json_string(std::string_view bytes);

}  // namespace bale::cli
