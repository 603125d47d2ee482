// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/archive_recovery.h"

#include <algorithm>
#include <optional>
#include <tuple>

namespace bale {

void ArchiveRecovery::add(const ObjectId& id, const Record& record) {
  Archive& archive = archives_[record.archive];
  archive.found.push_back({id, record.time, record.kind == RecordKind::kRemoved});
  for (const std::optional<ObjectId>& other : {record.previous, record.replaces}) {
    if (other && *other != id) archive.named.push_back(*other);
  }
}

std::vector<RecoveredArchive> ArchiveRecovery::archives() const {
  std::vector<RecoveredArchive> result;
  for (const auto& [name, archive] : archives_) {
    std::vector<ObjectId> named = archive.named;
    std::sort(named.begin(), named.end());
    // Where all are named, which hashes do not allow, something is still better than nothing.
    const bool circle =
        std::all_of(archive.found.begin(), archive.found.end(), [&](const Found& found) {
          return std::binary_search(named.begin(), named.end(), found.id);
        });
    const Found* newest = nullptr;
    for (const Found& found : archive.found) {
      if (!circle && std::binary_search(named.begin(), named.end(), found.id)) continue;
      const auto rank = [](const Found& of) { return std::tie(of.time, of.removed, of.id); };
      if (newest == nullptr || rank(*newest) < rank(found)) newest = &found;
    }
    result.push_back({name, newest->id, newest->time, newest->removed});
  }
  return result;
}

}  // namespace bale
