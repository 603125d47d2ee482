// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "git/source/git_lines.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace bale {

std::optional<BatchAnswer> parse_batch_answer(std::string_view line, const GitOid& oid) {
  const std::string name = oid.to_hex();
  if (!line.starts_with(name) || line.size() == name.size() || line[name.size()] != ' ') {
    return std::nullopt;
  }
  line.remove_prefix(name.size() + 1);
  if (line == "missing") return BatchAnswer{.missing = true};
  const std::size_t space = std::min(line.find(' '), line.size());
  const Result<ObjectType> type = object_type_from_git(line.substr(0, space));
  line.remove_prefix(std::min(space + 1, line.size()));
  BatchAnswer answer;
  const char* const end = line.data() + line.size();
  const auto [read_to, error] = std::from_chars(line.data(), end, answer.size);
  if (!type || error != std::errc() || read_to != end) return std::nullopt;
  answer.type = *type;
  return answer;
}

std::optional<ListedLine> parse_listed_line(std::string_view line) {
  ListedLine listed;
  if (line.starts_with('?')) {
    listed.missing = true;
    line.remove_prefix(1);
  }
  const std::size_t space = listed.missing ? std::string_view::npos : line.find(' ');
  const Result<GitOid> oid = GitOid::from_hex(line.substr(0, space));
  if (!oid) return std::nullopt;
  listed.oid = *oid;
  if (space != std::string_view::npos) listed.path = line.substr(space + 1);
  return listed;
}

}  // namespace bale
