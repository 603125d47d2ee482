// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Whether a source goes on with an archive, or is another repository that came under the same name.

#pragma once

#include "bale/pack_reader.h"
#include "bale/result.h"
#include "bale/store.h"
#include "git/source.h"

namespace bale {

/// Whether the source has a commit that a ref or HEAD of the record leads to, through tags as well;
/// or, where the record has no commit, of the next older one that has. True where no record of the
/// archive has one: nothing can be taken for something else. False where such an older record
/// cannot be read.
[[nodiscard]] Result<bool> is_same_repository(const Store& store, const ArchiveRecord& newest,
                                              GitSource& source, ReadContext& context);

}  // namespace bale
