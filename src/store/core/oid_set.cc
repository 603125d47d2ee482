// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/oid_set.h"

#include <cstring>

#include "base/error.h"
#include "base/try.h"

namespace bale {

Result<OidSet> OidSet::load(const Snapshot& store, const Record::OidList& list, GitHash hash,
                            ReadContext& context, Budget& budget) {
  OidSet set;
  set.hash_ = hash;
  if (!list.list) return set;
  const std::size_t stride = oid_bytes(hash);
  // The count is a claim: what the list's blob holds is the truth.
  const auto location = store.find(*list.list);
  std::uint64_t count = 0;
  if (location) {
    const EntryInfo info = TRY(store.info(*location, context, *list.list));
    count = info.size / (2 * stride + 1);
  }
  set.oids_ = TRY(Buffer::allocate(budget, count * stride, "the ids of missing objects"));
  std::uint64_t read = 0;
  TRY(read_oid_list(store, *list.list, context, [&](const GitOid& oid) -> Result<void> {
    std::byte* to = set.oids_.data() + read * stride;
    const bool in_order = read == 0 || std::memcmp(to - stride, oid.bytes().data(), stride) < 0;
    if (read == count || oid.hash() != hash || !in_order) {
      return fail(ErrorCode::kCorrupt, "{} is not a sorted list of ids", list.list->to_hex());
    }
    std::memcpy(to, oid.bytes().data(), stride);
    ++read;
    return {};
  }));
  set.table_ = RecordTable(set.oids_.span().first(read * stride), stride, 0, stride);
  return set;
}

}  // namespace bale
