// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "object/printable.h"

#include <algorithm>

#include "object/percent.h"

namespace bale {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Whether a UTF-8 sequence is a character that is not plain (see the header).
bool is_control(std::string_view sequence) {
  const auto byte = [sequence](std::size_t i) { return static_cast<unsigned char>(sequence[i]); };
  if (sequence.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7F;
  if (sequence.size() == 2) return byte(0) == 0xC2 && byte(1) < 0xA0;
  if (sequence.starts_with("\xE2\x80")) return byte(2) >= 0xA8 && byte(2) <= 0xAE;
  if (sequence.starts_with("\xE2\x81")) return byte(2) >= 0xA6 && byte(2) <= 0xA9;
  return false;
}

void append_escape(std::string& text, char c) {
  constexpr std::string_view kBytes = "\a\b\t\n\v\f\r";
  constexpr std::string_view kLetters = "abtnvfr";
  text.push_back('\\');
  const std::size_t named = kBytes.find(c);
  if (named != std::string_view::npos) {
    text.push_back(kLetters[named]);
    return;
  }
  const auto byte = static_cast<unsigned char>(c);
  for (const int shift : {6, 3, 0}) text.push_back(static_cast<char>('0' + ((byte >> shift) & 7)));
}

// Escapes the bytes; '"' and '\' too if `reversible`.
std::string with_escapes(std::string_view bytes, bool reversible) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const char first = bytes.front();
    const std::size_t plain = plain_character_bytes(bytes);
    if (reversible && (first == '"' || first == '\\')) text.push_back('\\');
    if (plain == 0) {
      append_escape(text, first);
    } else {
      text.append(bytes.substr(0, plain));
    }
    bytes.remove_prefix(std::max<std::size_t>(plain, 1));
  }
  return text;
}

// The length of an incomplete sequence at the start of `text`.
std::size_t broken_sequence_bytes(std::string_view text) {
  constexpr std::string_view kTails[] = {"\x80", "\x80\x80"};
  // From the third byte on, 0x80 is valid in any sequence.
  for (std::size_t size = std::min<std::size_t>(text.size(), 3); size > 1; --size) {
    for (const std::string_view tail : kTails) {
      const std::string whole = std::string(text.substr(0, size)).append(tail);
      if (utf8_sequence_bytes(whole) == whole.size()) return size;
    }
  }
  return 1;
}

}  // namespace

std::size_t plain_character_bytes(std::string_view text) {
  const std::size_t count = utf8_sequence_bytes(text);
  return is_control(text.substr(0, count)) ? 0 : count;
}

std::string quoted_name(std::string_view bytes) {
  std::string text = with_escapes(bytes, true);
  if (text == bytes) return text;
  return '"' + std::move(text) + '"';
}

std::string shell_word(std::string_view bytes) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/._-+=:@%,").find(c) != std::string_view::npos;
  };
  if (!bytes.empty() && std::all_of(bytes.begin(), bytes.end(), is_plain)) {
    return std::string(bytes);
  }
  std::string word = "'";
  for (const char c : bytes) {
    if (c == '\'') {
      word += "'\\''";
    } else {
      word += c;
    }
  }
  return word + "'";
}

std::string escaped(std::string_view bytes) {
  return with_escapes(bytes, false);
}

std::string lossy_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    std::size_t count = utf8_sequence_bytes(bytes);
    if (count > 0) {
      text.append(bytes.substr(0, count));
    } else {
      count = broken_sequence_bytes(bytes);
      text.append(kReplacement);
    }
    bytes.remove_prefix(count);
  }
  return text;
}

}  // namespace bale
