// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Decides whether a source continues an archive or is another repository of the same name.

#pragma once

#include "bale/pack_reader.h"
#include "bale/result.h"
#include "bale/store.h"
#include "git/source/source.h"

namespace bale {

/// Whether the source has a commit that a ref or HEAD of the record points to, also through tags;
/// if they point to no commit, any object that they point to. Records without refs and detached
/// HEAD are skipped; the next older one decides. True if there is no other record: then no history
/// can be confused. False if the deciding record cannot be read.
[[nodiscard]] Result<bool> is_same_repository(const Snapshot& store, const ArchiveRecord& newest,
                                              GitSource& source, ReadContext& context);

}  // namespace bale
