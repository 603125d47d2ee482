// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "git/object_count.h"

#include <algorithm>

#include "base/try.h"
#include "store/store_impl.h"

namespace bale {

void ObjectCount::add(const GitOid& oid, bool stored) {
  if (!plan_.incremental) {
    ++reached_;
    return;
  }
  // An incremental list may name again what the previous record counts, or what an older one did.
  if (stored && !plan_.only_grew) unsure_ = true;
  if (!stored || !in_own_pack(oid)) ++reached_;
}

// It may be in others too, if two imports brought it at once.
bool ObjectCount::in_own_pack(const GitOid& oid) const {
  return std::any_of(plan_.own_packs.begin(), plan_.own_packs.end(), [&](std::uint32_t number) {
    // A pack that cannot be opened now has nothing that was counted, as far as anybody can say.
    const auto pack = store_.impl().open(number);
    return pack && (*pack)->git_index && (*pack)->git_index->find(oid);
  });
}

Result<std::uint64_t> ObjectCount::total(GitSource& source, const RefSnapshot& refs,
                                         const Operation& operation) const {
  if (!plan_.incremental) return reached_;
  if (!unsure_) return plan_.previous->record.objects + reached_;
  // As a first import would.
  std::uint64_t all = 0;
  TRY(source.list_objects({.include = tips_of(refs)},
                          [&](const ListedObject& object) -> Result<void> {
                            if (!object.missing) ++all;
                            operation.progress({.phase = "counting objects", .objects = all});
                            return {};
                          }));
  return all;
}

}  // namespace bale
