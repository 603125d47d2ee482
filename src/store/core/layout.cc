// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/layout.h"

#include "base/error.h"

namespace bale {

std::vector<std::string> archive_name_prefixes(std::string_view name) {
  std::vector<std::string> prefixes;
  for (std::size_t slash = name.find('/'); slash != std::string_view::npos;
       slash = name.find('/', slash + 1)) {
    prefixes.emplace_back(name.substr(0, slash));
  }
  return prefixes;
}

std::vector<std::string> StoreLayout::archive_directories(std::string_view name) const {
  std::vector<std::string> directories;
  for (const std::string& prefix : archive_name_prefixes(name)) {
    directories.push_back(archive(prefix) + kArchiveDirectorySuffix);
  }
  return directories;
}

std::string StoreLayout::archive_file(std::string_view name, std::string_view before,
                                      std::string_view after) const {
  std::string path = archives() + "/";
  for (std::size_t slash = name.find('/'); slash != std::string_view::npos;
       slash = name.find('/')) {
    path += name.substr(0, slash);
    path += kArchiveDirectorySuffix;
    path += '/';
    name.remove_prefix(slash + 1);
  }
  path += before;
  path += name;
  path += after;
  return path;
}

Result<ObjectId> decode_archive_pointer(std::string_view content, const std::string& path) {
  if (content.size() == 65 && content.back() == '\n') {
    Result<ObjectId> id = ObjectId::from_hex(content.substr(0, 64));
    if (id) return id;
  }
  return fail(ErrorCode::kCorrupt, "{}: not the id of a record", path);
}

std::string encode_archive_pointer(const ObjectId& record) {
  return record.to_hex() + "\n";
}

}  // namespace bale
