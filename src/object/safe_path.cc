// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The disguises of ".git" are those that Git refuses with core.protectHFS and core.protectNTFS.
// They are refused on every system, since files may be copied to another.

#include "object/safe_path.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "object/percent.h"
#include "object/printable.h"

namespace bale {
namespace {

// Messages truncate names to this: a hostile one may be as long as its tree.

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Whether `text` starts with the lower-case `prefix`.
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), text.begin(),
                    [](char wanted, char c) { return wanted == lower(c); });
}

// The name without the code points that HFS+ ignores: U+200C to U+200F, U+202A to U+202E, U+206A to
// U+206F and U+FEFF. In UTF-8 each has three bytes.
std::string without_ignorable(std::string_view name) {
  std::string kept;
  for (std::size_t i = 0; i < name.size();) {
    const std::string_view lead = name.substr(i, 2);
    const char last = i + 2 < name.size() ? name[i + 2] : '\0';
    const bool ignorable = (lead == "\xE2\x80" && ((last >= '\x8C' && last <= '\x8F') ||
                                                   (last >= '\xAA' && last <= '\xAE'))) ||
                           (lead == "\xE2\x81" && last >= '\xAA' && last <= '\xAF') ||
                           (lead == "\xEF\xBB" && last == '\xBF');
    if (ignorable) {
      i += 3;
    } else {
      kept.push_back(name[i]);
      ++i;
    }
  }
  return kept;
}

bool is_dot_git_on_hfs(std::string_view name) {
  const std::string seen = without_ignorable(name);
  if (!starts_with_ignoring_case(seen, ".git")) return false;
  // Like Git, treats invalid UTF-8 as the end of the name.
  const std::string_view tail = std::string_view(seen).substr(4);
  return tail.empty() || utf8_sequence_bytes(tail) == 0;
}

// One component between backslashes.
bool is_dot_git_on_ntfs(std::string_view name) {
  std::string_view tail;
  if (starts_with_ignoring_case(name, ".git")) {
    tail = name.substr(4);
  } else if (starts_with_ignoring_case(name, "git~1")) {
    tail = name.substr(5);
  } else {
    return false;
  }
  // NTFS ignores dots and spaces at the end, and text after ':' names a stream of the same file.
  const std::size_t end = tail.find_first_not_of(". ");
  return end == std::string_view::npos || tail[end] == ':';
}

bool has_dot_git_component_on_ntfs(std::string_view name) {
  while (true) {
    const std::size_t backslash = name.find('\\');
    if (is_dot_git_on_ntfs(name.substr(0, backslash))) return true;
    if (backslash == std::string_view::npos) return false;
    name.remove_prefix(backslash + 1);
  }
}

}  // namespace

Result<void> check_entry_name(std::string_view name) {
  const bool unsafe = name.empty() || name == "." || name == ".." ||
                      name.find_first_of(std::string_view("/\0", 2)) != std::string_view::npos ||
                      is_dot_git_on_hfs(name) || has_dot_git_component_on_ntfs(name);
  if (unsafe) {
    return fail(ErrorCode::kCorrupt, "a tree entry is named '{}', which is not safe to write",
                escaped(name.substr(0, kMaxQuotedBytes)));
  }
  return {};
}

}  // namespace bale
