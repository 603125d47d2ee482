// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Records are what lies in packs and Git does not know.

#include "store/record_scan.h"

#include <algorithm>

#include "base/try.h"
#include "store/pack_walk.h"

namespace bale {

Result<void> for_each_record(
    const Store& store, const std::vector<std::uint32_t>& packs, const RecordScanOptions& options,
    const std::function<Result<void>(const ObjectId&, const Record&)>& use) {
  ReadContext context(options.memory_bytes / 2);
  for (const std::uint32_t number : packs) {
    PackWalk walk =
        TRY(PackWalk::create(store, number,
                             {.memory_bytes = std::max(kMinPackWalkBytes, options.memory_bytes / 2),
                              .scratch_directory = options.scratch_directory,
                              .operation = options.operation}));
    while (const auto entry = TRY(walk.next())) {
      if (entry->oid) continue;
      const ObjectLocation location{number, entry->stored.offset};
      // What is stored as a delta has its base's type, which only its chain tells.
      const EntryInfo info = TRY(store.info(location, context));
      if (info.type != ObjectType::kAction) continue;
      const ObjectView object = TRY(store.get(location, context));
      if (!looks_like_record(object.payload)) continue;
      const Result<Record> record = decode_record(object.payload);
      if (record) TRY(use(object.id, *record));
    }
  }
  return {};
}

}  // namespace bale
