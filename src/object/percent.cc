// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Well-formed UTF-8, by table 3-7 of the Unicode standard:
//
//   00..7F                        C2..DF 80..BF                E0 A0..BF 80..BF
//   E1..EC 80..BF 80..BF          ED 80..9F 80..BF             EE..EF 80..BF 80..BF
//   F0 90..BF 80..BF 80..BF       F1..F3 80..BF (3 times)      F4 80..8F 80..BF 80..BF

#include "object/percent.h"

#include "base/error.h"
#include "base/hex.h"

namespace bale {
namespace {

bool stands_for_itself(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte != 0x7F && c != '%';
}

}  // namespace

std::size_t utf8_sequence_bytes(std::string_view text) {
  const auto byte_at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.empty()) return 0;
  const unsigned first = byte_at(0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  const std::size_t count = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (text.size() < count) return 0;
  // Only the second byte's range depends on the first: it excludes overlong forms, surrogates and
  // values above U+10FFFF.
  const unsigned lowest = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned highest = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (byte_at(1) < lowest || byte_at(1) > highest) return 0;
  for (std::size_t i = 2; i < count; ++i) {
    if (byte_at(i) < 0x80 || byte_at(i) > 0xBF) return 0;
  }
  return count;
}

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t count = utf8_sequence_bytes(text);
    if (count == 0) return false;
    text.remove_prefix(count);
  }
  return true;
}

std::string percent_encode(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const std::size_t count = utf8_sequence_bytes(bytes);
    if (count > 0 && stands_for_itself(bytes.front())) {
      text.append(bytes.substr(0, count));
      bytes.remove_prefix(count);
    } else {
      const auto byte = static_cast<unsigned char>(bytes.front());
      text.push_back('%');
      text.push_back(kDigits[byte >> 4]);
      text.push_back(kDigits[byte & 15]);
      bytes.remove_prefix(1);
    }
  }
  return text;
}

Result<std::string> percent_decode(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      bytes.push_back(text[i]);
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return fail(ErrorCode::kInvalidArgument,
                  "'%' at byte {} without two hex digits after it (write '%25' for a '%')", i);
    }
    bytes.push_back(static_cast<char>(high << 4 | low));
    i += 2;
  }
  return bytes;
}

}  // namespace bale
