// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/missing_list.h"

#include <string>

#include "base/error.h"
#include "base/try.h"

namespace bale {

Result<void> read_missing_list(const Store& store, const ObjectId& list, ReadContext& context,
                               const std::function<Result<void>(const GitOid&)>& use) {
  const auto location = store.find(list);
  if (!location) {
    return fail(ErrorCode::kCorrupt, "the list of missing objects {} is in none of the packs",
                list.to_hex());
  }
  std::string line;
  static_cast<void>(TRY(store.read(*location, context, [&](Bytes piece) -> Result<void> {
    for (const char c : as_text(piece)) {
      if (c != '\n') {
        line.push_back(c);
        if (line.size() <= 64) continue;
      }
      const Result<GitOid> oid = GitOid::from_hex(line);
      if (!oid) return fail(ErrorCode::kCorrupt, "{} is not a list of ids", list.to_hex());
      TRY(use(*oid));
      line.clear();
    }
    return {};
  })));
  return {};
}

}  // namespace bale
