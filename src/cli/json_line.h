// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// JSON for scripts: one object on one line, its keys in the order in which they were given.
//
//   JsonLine line;
//   line.text("ref", name).number("objects", 12);
//   out.line(line.object());                       // {"ref":"refs/heads/main","objects":12}
//
// Lists are printed object by object as they come, so nothing is ever held whole. Not thread-safe.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace bale::cli {

class JsonLine {
 public:
  /// Any bytes. UTF-8 is there as it is; of other bytes `key` has what is left of them (U+FFFD for
  /// the bad ones), and a member `key`_hex has them all.
  JsonLine& text(std::string_view key, std::string_view bytes);

  /// An array of such; if any of them is not UTF-8, an array `key`_hex of all of them follows.
  JsonLine& texts(std::string_view key, std::span<const std::string> strings);

  /// null where there is none.
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

/// A JSON array of such strings. Safe from any thread.
[[nodiscard]] std::string json_strings(std::span<const std::string> strings);

/// `bytes` as a JSON string, quotes included: UTF-8 as it is, with U+FFFD for what is not. Safe
/// from any thread.
[[nodiscard]] std::string json_string(std::string_view bytes);

}  // namespace bale::cli
