// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "git/import/archive_name_from_path.h"

#include "bale/archive_name.h"

namespace bale {
namespace {

std::string_view last_piece(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace

std::string archive_name_from_git_dir(std::string_view git_dir) {
  std::string_view name = last_piece(git_dir);
  if (name == ".git") {
    name = last_piece(git_dir.substr(0, git_dir.size() - name.size()));
  } else if (name.size() > 4 && name.ends_with(".git")) {
    name.remove_suffix(4);
  }
  std::string valid;
  for (const char c : name.substr(0, kMaxArchiveNameBytes)) {
    const bool allowed =
        c != '/' && c != '@' && c != ':' && (static_cast<unsigned char>(c) >= 0x20) && c != 0x7f;
    const bool first_allowed = !valid.empty() || (c != '-' && c != '.');
    if (first_allowed) valid.push_back(allowed ? c : '-');
  }
  return check_archive_name(valid) ? valid : "repository";
}

}  // namespace bale
