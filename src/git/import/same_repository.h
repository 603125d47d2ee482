// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Whether a source goes on with an archive, or is another repository that came under the same name.

#pragma once

#include "bale/pack_reader.h"
#include "bale/result.h"
#include "bale/store.h"
#include "git/source/source.h"

namespace bale {

/// Whether the source has a commit that a ref or HEAD of the record leads to, through tags as well;
/// where these lead to no commit, any object that they lead to. A record without refs and without a
/// detached HEAD says nothing, so the next older one decides. True where all records are such: no
/// history can be mistaken for another. False where an older record that must decide cannot be
/// read.
[[nodiscard]] Result<bool> is_same_repository(const Store& store, const ArchiveRecord& newest,
                                              GitSource& source, ReadContext& context);

}  // namespace bale
