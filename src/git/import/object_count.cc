// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "git/import/object_count.h"

#include "base/try.h"

namespace bale {

// An incremental list may repeat objects that the previous record counts (a file with an earlier
// content), and objects that it does not count (of another archive).
void ObjectCount::add(bool stored) {
  if (!plan_.incremental || !stored) {
    ++reached_;
  } else if (!plan_.all_stored_counted) {
    unsure_ = true;
  }
}

Result<std::uint64_t> ObjectCount::total(GitSource& source, const RefSnapshot& refs,
                                         const Operation& operation) const {
  if (!plan_.incremental) return reached_;
  if (!unsure_) return plan_.previous->record.objects + reached_;
  // As a first import would.
  std::uint64_t all = 0;
  TRY(source.list_objects({.include = TRY(tips_of(refs))},
                          [&](const ListedObject& object) -> Result<void> {
                            if (!object.missing) ++all;
                            operation.progress({.phase = "counting objects", .objects = all});
                            return {};
                          }));
  return all;
}

}  // namespace bale
