// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/layout.h"

#include "base/error.h"

namespace bale {

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
